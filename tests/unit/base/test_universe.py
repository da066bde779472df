"""Dependencies of converted wheels: extras, markers, and a universe that must be closed."""

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from flowlock.base.universe import Universe, WheelMetadata
from flowlock.errors import FlowlockError

ENVIRONMENT = {"python_version": "3.12", "sys_platform": "linux", "platform_machine": "x86_64"}


def universe(**wheels: tuple[str, list[str]]) -> Universe:
    """Return a universe of `name=(version, requirements)`; underscores stand for hyphens."""
    described = {
        canonicalize_name(name): WheelMetadata(
            name=canonicalize_name(name),
            version=Version(version),
            requires=tuple(map(Requirement, requires)),
            requires_python=SpecifierSet(),
            summary="",
            license="",
            home="",
        )
        for name, (version, requires) in wheels.items()
    }
    names = {"typing-extensions": "typing_extensions"}
    return Universe(wheels=described, environment=ENVIRONMENT, conda_name=lambda name: names.get(name, name))


def depends(known: Universe, name: str) -> list[str]:
    return known.dependencies(NormalizedName(name))


def test_a_dependency_has_condas_name_and_condas_spec() -> None:
    known = universe(a=("1", ["Typing.Extensions>=4,<5"]), typing_extensions=("4.1", []))
    assert depends(known, "a") == ["typing_extensions >=4,<5dev0"]


def test_a_dependency_of_another_platform_is_dropped() -> None:
    known = universe(a=("1", ["b; sys_platform == 'win32'", "c; python_version < '3.11'", "d"]), d=("1", []))
    assert depends(known, "a") == ["d"]


def test_an_extra_brings_what_it_requires() -> None:
    known = universe(
        app=("1", ["server[fast]>=2"]),
        server=("2.1", ["core", "loop>=1; extra == 'fast'", "other; extra == 'slow'"]),
        core=("1", []),
        loop=("1.5", []),
    )
    assert depends(known, "app") == ["loop >=1", "server >=2"]
    assert depends(known, "server") == ["core"]


def test_an_extra_that_needs_an_extra_is_followed() -> None:
    known = universe(
        app=("1", ["server[all]"]),
        server=("2", ["server[fast]; extra == 'all'", "loop; extra == 'fast'"]),
        loop=("1", []),
    )
    assert depends(known, "app") == ["loop", "server"]


def test_extras_that_need_each_other_end() -> None:
    known = universe(a=("1", ["b[x]"]), b=("1", ["c[y]; extra == 'x'"]), c=("1", ["b[x]; extra == 'y'"]))
    assert depends(known, "a") == ["b", "c"]


def test_a_package_that_names_itself_does_not_depend_on_itself() -> None:
    known = universe(a=("1", ["a[x]; extra == 'all'", "b"]), b=("1", ["a[all]"]))
    assert depends(known, "a") == ["b"]


def test_conditions_on_one_package_are_one_dependency() -> None:
    known = universe(a=("1", ["b>=1", "b<3; sys_platform == 'linux'", "b!=2.1"]), b=("2", []))
    assert depends(known, "a") == ["b >=1,<3dev0,!=2.1"]


def test_all_that_is_missing_is_told_with_who_needs_it() -> None:
    known = universe(a=("1", ["b[x]", "gone>=2", "b>=7"]), b=("1", ["lost; extra == 'x'"]))
    with pytest.raises(FlowlockError) as caught:
        depends(known, "a")
    messages = "\n".join(problem.message for problem in caught.value.problems)
    assert "a requires `gone>=2`" in messages
    assert "b requires `lost" in messages
    assert "the resolution contains 1" in messages
    assert {problem.code for problem in caught.value.problems} == {"FL421"}


def test_a_prerelease_that_was_resolved_fits() -> None:
    known = universe(a=("1", ["b>=1"]), b=("2.0rc1", []))
    assert depends(known, "a") == ["b >=1"]


def test_a_direct_reference_is_a_dependency_by_name() -> None:
    known = universe(a=("1", ["b @ https://example.org/b-1-py3-none-any.whl"]), b=("1", []))
    assert depends(known, "a") == ["b"]
