"""PEP 440 and PEP 508 to conda's version and match specs, and back; pure.

conda orders versions as PEP 440 does, but takes its operators by that order alone: `<1.4` lets 1.4rc1 in, and
`>1.4` lets 1.4.post1 in. The translation makes up for that. Local versions (`1.4+cpu`) are other versions to
conda; conda-forge carries none, so they are dropped on both sides. Two orders stay different, and no release
in use has met them: conda puts 1.4.dev1 after 1.4a1, and 1.4.post1 is not 1.4.0.post1.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import Specifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from flowlock.errors import FlowlockError, Problem

# What a match spec may name that is not had from a package index.
NOT_WHEELS = frozenset({"python", "python_abi"})
_MATCH_SPEC = re.compile(r"(?:[^\s:]+::)?(?P<name>[A-Za-z0-9_][\w.-]*)\s*(?P<rest>.*)")
# `name=1.26=build` says the same as `name ==1.26 build`.
_EXACT = re.compile(r"=(?P<version>[^=<>!~,|*\s]+)=\S+")


def conda_version(version: Version) -> str:
    """Return a wheel's version as conda-forge writes it: normal form, without a local part."""
    return version.public


def version_spec(specifiers: SpecifierSet) -> str:
    """Return the conda version spec that matches the same versions; an empty string matches all.

    Alternatives are in parentheses where they are one condition of several.
    """
    parts = [_SPECS[specifier.operator](specifier) for specifier in sorted(specifiers, key=_reading_order)]
    return ",".join(f"({part})" if "|" in part and len(parts) > 1 else part for part in parts)


def applies(marker: Marker | None, environment: Mapping[str, str], extra: str = "") -> bool:
    """Return whether a requirement with this marker counts in an environment, for one extra or for none."""
    return marker is None or marker.evaluate({**environment, "extra": extra})


def requirement_from_match_spec(spec: str, wheel_name: Callable[[str], str]) -> str | None:
    """Return a conda match spec of a run requirement as PEP 508, or None if it names no wheel.

    Builds and channels have no counterpart and are dropped; `|` and brackets are refused.
    """
    match = _MATCH_SPEC.fullmatch(spec.strip())
    if match and (match["name"] in NOT_WHEELS or match["name"].startswith("__")):
        return None
    try:
        if match:
            return str(Requirement(wheel_name(match["name"]) + ",".join(_specifiers(match["rest"]))))
    except InvalidRequirement:
        pass  # told below, with the spec as it was written
    raise FlowlockError(
        f"`{spec}` cannot be requested from a package index",
        code="FL410",
        hint="write it as a name and a version with `,`, `==`, `>=`, `<=`, `>`, `<`, `!=`, `~=` or `1.2.*`",
    )


def parse_requirements(texts: Sequence[str]) -> list[Requirement]:
    """Parse PEP 508 requirements; all that are wrong are reported together."""
    parsed, problems = [], []
    for text in texts:
        try:
            parsed.append(Requirement(text))
        except InvalidRequirement as error:
            reason = str(error).splitlines()[0]
            problems.append(Problem(code="FL410", message=f"`{text}` is not a requirement: {reason}"))
    if problems:
        raise FlowlockError(f"{len(problems)} requirement(s) cannot be read", problems=problems)
    return parsed


def wheel_name_table(wheel_names: Mapping[str, str]) -> Callable[[str], str]:
    """Return the inverse of flowlock.toml's [names]: conda-forge name → wheel name in PEP 503 form."""
    inverse = {conda: wheel for wheel, conda in wheel_names.items()}
    return lambda conda: inverse.get(conda, canonicalize_name(conda))


def _reading_order(specifier: Specifier) -> tuple[int, str]:
    order = ("===", "==", "~=", ">=", ">", "<=", "<", "!=")
    return order.index(specifier.operator), specifier.version


def _equal(specifier: Specifier) -> str:
    return specifier.version if specifier.version.endswith(".*") else f"=={_public(specifier)}"


def _arbitrary(specifier: Specifier) -> str:
    """`===` compares text; in a normal form that is equality. Other texts match no package."""
    try:
        return f"=={conda_version(Version(specifier.version))}"
    except InvalidVersion as error:
        raise FlowlockError(
            f"`==={specifier.version}` has no equivalent in conda: it is not a PEP 440 version",
            code="FL410",
            hint="require a PEP 440 version",
        ) from error


def _unequal(specifier: Specifier) -> str:
    return f"!={specifier.version}" if specifier.version.endswith(".*") else f"!={_public(specifier)}"


def _compatible(specifier: Specifier) -> str:
    """`~=1.4.2` is `>=1.4.2,==1.4.*`; what is before the last release number counts, whatever follows it."""
    version = Version(specifier.version)
    series = ".".join(map(str, version.release[:-1]))
    return f">={version.public},{_epoch(version)}{series}.*"


def _less(specifier: Specifier) -> str:
    """`<1.4` excludes 1.4's own pre-releases; `<1.4rc1` does not."""
    version = Version(specifier.version)
    if version.is_prerelease:
        return f"<{version.public}"
    if version.is_postrelease:
        return f"<{version.public}.dev0"
    return f"<{_epoch(version)}{_release(version)}dev0"


def _greater(specifier: Specifier) -> str:
    """`>1.4` excludes the post-releases of 1.4, which conda puts between it and the next that can be made."""
    version = Version(specifier.version)
    if version.is_postrelease or version.is_devrelease:
        return f">{version.public}"
    after = f"{version.public}.1dev0"
    if version.pre:
        stage, number = version.pre
        after = f"{version.base_version}{stage}{number + 1}.dev0"
    return f">{version.public},<{version.public}.post0dev0|>={after}"


def _public(specifier: Specifier) -> str:
    return conda_version(Version(specifier.version))


def _epoch(version: Version) -> str:
    return f"{version.epoch}!" if version.epoch else ""


def _release(version: Version) -> str:
    """Return the release numbers without trailing zeros: 1.4.0rc1 and 1.4rc1 both come after 1.4dev0."""
    numbers = list(version.release)
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return ".".join(map(str, numbers))


_SPECS: Mapping[str, Callable[[Specifier], str]] = {
    "==": _equal,
    "===": _arbitrary,
    "!=": _unequal,
    "~=": _compatible,
    ">=": lambda specifier: f">={_public(specifier)}",
    "<=": lambda specifier: f"<={_public(specifier)}",
    ">": _greater,
    "<": _less,
}


def _specifiers(rest: str) -> Iterator[str]:
    """Yield what follows the name of a match spec as PEP 440 specifiers, without the build."""
    exact = _EXACT.fullmatch(rest)
    if exact:
        yield f"=={exact['version']}"
        return
    version = re.sub(r"\s*(,|[=<>!~]=?)\s*", r"\1", rest).split(" ")[0]
    for condition in filter(None, version.split(",")):
        operator = condition[: len(condition) - len(condition.lstrip("=<>!~"))]
        number = condition.removeprefix(operator)
        match operator:
            case "" | "=" | "==" if number == "*":
                continue
            case "":
                yield f"=={number}"
            case "=":
                yield f"=={number.removesuffix('*').removesuffix('.')}.*"
            case ">=" | "~=":
                yield f"{operator}{number.removesuffix('.*')}"
            case _:
                yield condition
