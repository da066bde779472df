"""A translated specifier matches, for the solver, the versions that it matches for Python's installers."""

from hypothesis import example, given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version
from rattler import MatchSpec, VersionSpec
from rattler import Version as CondaVersion

from flowlock.base.convert import conda_version, requirement_from_match_spec, version_spec

# Three numbers, since PEP 440 pads with zeros below a suffix (1.4.post1 is 1.4.0.post1) and conda does not;
# few of them, so that a version is often near to a specifier's.
RELEASES = st.tuples(*[st.integers(0, 2)] * 3).map(lambda numbers: ".".join(map(str, numbers)))
EPOCHS = st.sampled_from(["", "", "", "1!"])
# No `.dev0` by itself: conda puts it after the alpha releases.
SUFFIXES = st.sampled_from(["", "", "", "a1", "b2", "rc1", ".post1", ".post2", "rc1.dev2", ".post1.dev3"])
VERSIONS = st.builds(lambda epoch, release, suffix: f"{epoch}{release}{suffix}", EPOCHS, RELEASES, SUFFIXES)
SHORT = st.builds(lambda a, b: f"{a}.{b}", st.integers(0, 2), st.integers(0, 2))


@st.composite
def specifiers(draw: st.DrawFn) -> str:
    operator = draw(st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "~=", "===", "==*", "!=*"]))
    if operator.endswith("*"):
        release = draw(st.one_of(RELEASES, SHORT, st.integers(0, 2).map(str)))
        return f"{operator[:2]}{draw(EPOCHS)}{release}.*"
    return f"{operator}{draw(VERSIONS)}"


@settings(max_examples=300)
@given(st.lists(specifiers(), min_size=1, max_size=3), VERSIONS)
@example(["<1.4.0"], "1.4.0rc1")
@example([">1.4.0"], "1.4.0.post1")
@example(["<1.4.0.post1"], "1.4.0rc1")
@example(["~=1.4.2"], "1.5.0.dev0")
@example(["!=1.4.*", "<1.4.0.post2", ">1.0.0"], "1.2.0")
def test_a_translated_specifier_matches_the_same_versions(texts: list[str], version: str) -> None:
    asked = SpecifierSet(",".join(texts))
    expected = asked.contains(version, prereleases=True)
    translated = version_spec(asked)
    assert VersionSpec(translated).matches(CondaVersion(conda_version(Version(version)))) == expected


@settings(max_examples=300)
@given(st.lists(specifiers(), min_size=1, max_size=3))
def test_a_translated_specifier_is_part_of_a_strict_match_spec(texts: list[str]) -> None:
    MatchSpec(f"name {version_spec(SpecifierSet(','.join(texts)))}", strict=True)


@settings(max_examples=300)
@given(VERSIONS, VERSIONS)
def test_versions_sort_as_before(one: str, other: str) -> None:
    first, second = Version(one), Version(other)
    assert (CondaVersion(conda_version(first)) < CondaVersion(conda_version(second))) == (first < second)


@given(SHORT, st.sampled_from(["==", ">=", "<=", "!=", "~=", ">", "<"]), VERSIONS)
def test_a_match_spec_of_a_release_asks_the_index_for_the_same_versions(
    release: str, operator: str, version: str
) -> None:
    asked = requirement_from_match_spec(f"channel::some_name {operator}{release} build_0", canonicalize_name)
    assert asked is not None
    requirement = Requirement(asked)
    assert requirement.name == "some-name"
    final = Version(version).base_version
    assert requirement.specifier.contains(final) == VersionSpec(f"{operator}{release}").matches(
        CondaVersion(final)
    )
