"""Match specs, requirements and markers, case by case; `tests/property` has the rules."""

import pytest
from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from flowlock.base.convert import (
    applies,
    conda_version,
    parse_requirements,
    requirement_from_match_spec,
    version_spec,
    wheel_name_table,
)
from flowlock.errors import FlowlockError

NAMES = wheel_name_table({"typing-extensions": "typing_extensions", "tzdata": "python-tzdata"})


@pytest.mark.parametrize(
    ("specifiers", "spec"),
    [
        ("", ""),
        ("==1.4", "==1.4"),
        ("==1.4.*", "1.4.*"),
        ("===1.4", "==1.4"),
        ("==2.1+cpu", "==2.1"),
        ("!=1.4", "!=1.4"),
        ("!=1.4.*", "!=1.4.*"),
        ("~=0.1", ">=0.1,0.*"),
        ("~=1.4.2", ">=1.4.2,1.4.*"),
        ("~=1!2.3.4", ">=1!2.3.4,1!2.3.*"),
        (">=1.4rc1", ">=1.4rc1"),
        ("<2", "<2dev0"),
        ("<2.0.0", "<2dev0"),
        ("<2rc1", "<2rc1"),
        (">1.4", ">1.4,<1.4.post0dev0|>=1.4.1dev0"),
        (">=1,<3,!=2.1", ">=1,<3dev0,!=2.1"),
        (">1,<3", "(>1,<1.post0dev0|>=1.1dev0),<3dev0"),
    ],
)
def test_a_specifier_is_written_as_conda_does(specifiers: str, spec: str) -> None:
    assert version_spec(SpecifierSet(specifiers)) == spec


def test_an_arbitrary_equality_that_is_no_version_is_refused() -> None:
    with pytest.raises(FlowlockError) as caught:
        version_spec(SpecifierSet("===sometime"))
    assert caught.value.problems[0].code == "FL410"


def test_a_local_version_is_dropped() -> None:
    assert conda_version(Version("2.1.0+cpu")) == "2.1.0"


@pytest.mark.parametrize(
    ("spec", "requirement"),
    [
        ("pandas >=2.2", "pandas>=2.2"),
        ("hatchling ==1.30.1", "hatchling==1.30.1"),
        ("typing_extensions >=4", "typing-extensions>=4"),
        ("python-tzdata", "tzdata"),
        ("backports.zstd", "backports-zstd"),
        ("numpy >=1.26, <3", "numpy<3,>=1.26"),
        ("numpy >= 1.26", "numpy>=1.26"),
        ("numpy 1.26.*", "numpy==1.26.*"),
        ("numpy =1.26", "numpy==1.26.*"),
        ("numpy=1.26.*", "numpy==1.26.*"),
        ("numpy 1.26.4", "numpy==1.26.4"),
        ("numpy ==1.26.4 py312_0", "numpy==1.26.4"),
        ("numpy=1.26.4=py312_0", "numpy==1.26.4"),
        ("conda-forge::numpy *", "numpy"),
        ("numpy * py312_0", "numpy"),
        ("pydantic >=2.0a0,<3.0a0", "pydantic<3.0a0,>=2.0a0"),
    ],
)
def test_a_match_spec_is_asked_of_the_index(spec: str, requirement: str) -> None:
    assert requirement_from_match_spec(spec, NAMES) == requirement


@pytest.mark.parametrize("spec", ["python >=3.11", "python", "python_abi 3.12.* *_cp312", "__glibc >=2.17"])
def test_what_is_no_wheel_is_not_asked_of_the_index(spec: str) -> None:
    assert requirement_from_match_spec(spec, NAMES) is None


@pytest.mark.parametrize("spec", ["numpy >=1|<0.5", "numpy[version='>=1']", "", "numpy >=", "!numpy"])
def test_what_the_index_cannot_be_asked_is_refused(spec: str) -> None:
    with pytest.raises(FlowlockError) as caught:
        requirement_from_match_spec(spec, NAMES)
    assert spec in caught.value.message


def test_all_requirements_that_cannot_be_read_are_told_together() -> None:
    with pytest.raises(FlowlockError) as caught:
        parse_requirements(["pandas >= two", "numpy", "=1"])
    assert [problem.code for problem in caught.value.problems] == ["FL410", "FL410"]


def test_a_marker_is_evaluated_for_the_target_and_not_for_us() -> None:
    marker = Marker("python_version < '3.4' and sys_platform == 'win32'")
    assert applies(marker, {"python_version": "3.3", "sys_platform": "win32"})
    assert not applies(marker, {"python_version": "3.12", "sys_platform": "win32"})


def test_a_requirement_of_an_extra_counts_for_that_extra_only() -> None:
    marker = Marker("extra == 'standard'")
    assert applies(marker, {}, "standard")
    assert not applies(marker, {})
