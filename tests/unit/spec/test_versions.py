import pytest

from flowlock.spec.versions import pep440


@pytest.mark.parametrize(
    ("conda", "wheel"),
    [
        ("*", ""),
        ("", ""),
        (">=1.2,<2", ">=1.2,<2"),
        (">= 1.2 , < 2", ">=1.2,<2"),
        ("1.2", "==1.2"),
        ("==1.2", "==1.2"),
        ("=1.2", "==1.2.*"),
        ("1.2.*", "==1.2.*"),
        ("1.2*", "==1.2.*"),
        ("=1.2.*", "==1.2.*"),
        (">=1.2.*", ">=1.2"),
        ("!=1.3", "!=1.3"),
        ("!=1.3.*", "!=1.3.*"),
        ("~=1.4", "~=1.4"),
        ("2024.1.15", "==2024.1.15"),
        (">=1.0rc1", ">=1.0rc1"),
    ],
)
def test_conditions_mean_the_same_in_a_wheel(conda: str, wheel: str) -> None:
    assert pep440(conda) == wheel


@pytest.mark.parametrize(
    "text", ["newest", ">=", ">=1|<2", ">=1,,<2", "1.2 py_0", "**", ">=1;os", "=>1", "~=1"]
)
def test_what_a_wheel_cannot_say_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"version condition|\|"):
        pep440(text)
