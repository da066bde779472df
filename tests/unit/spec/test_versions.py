import pytest

from flowlock.spec.versions import meets, pep440


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
        ("0.1.0rc14.*", ">=0.1.0rc14,<0.1.0rc15"),
        ("0.1.0rc14*", ">=0.1.0rc14,<0.1.0rc15"),
        ("=0.1.0rc14", ">=0.1.0rc14,<0.1.0rc15"),
        ("==0.1.0rc14.*", ">=0.1.0rc14,<0.1.0rc15"),
        ("0.1.0rc9", "==0.1.0rc9"),
        (">=0.1.0rc14.*", ">=0.1.0rc14"),
        ("=1.0.post1", ">=1.0.post1,<1.0.post2"),
        (">=0.22.12, <0.23.0", ">=0.22.12,<0.23.0"),
    ],
)
def test_conditions_mean_the_same_in_a_wheel(conda: str, wheel: str) -> None:
    assert pep440(conda) == wheel


@pytest.mark.parametrize(
    ("condition", "version", "fits"),
    [
        ("0.1.0rc14.*", "0.1.0rc14", True),
        ("0.1.0rc14.*", "0.1.0rc14.post1", True),
        ("0.1.0rc14.*", "0.1.0rc15", False),
        ("0.1.0rc14.*", "0.1.0rc140", False),
        ("0.1.0rc14.*", "0.1.0", False),
        (">=0.0.1rc14", "0.1.0", True),
        ("*", "0.1.0rc1", True),
        ("2.13.0", "2.13.0", True),
        ("2.13.0", "2.13.1", False),
    ],
)
def test_a_version_meets_a_condition_as_conda_has_it(condition: str, version: str, *, fits: bool) -> None:
    assert meets(version, condition) is fits


@pytest.mark.parametrize(
    "text", ["newest", ">=", ">=1|<2", ">=1,,<2", "1.2 py_0", "**", ">=1;os", "=>1", "~=1"]
)
def test_what_a_wheel_cannot_say_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"version condition|\|"):
        pep440(text)
