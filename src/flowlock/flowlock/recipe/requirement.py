"""A PEP 508 requirement as a conda match spec."""

import re
from collections.abc import Mapping

from packaging.requirements import Requirement
from packaging.specifiers import Specifier, SpecifierSet
from packaging.utils import canonicalize_name

# The order in which people write the clauses of one requirement.
_COMPARISON = re.compile(r"(?P<operator>[<>=!]=|[<>])(?P<version>\d+(\.\d+)*?)((?<=\d)\.0a0)?")
_ORDER = (">=", ">", "~=", "==", "===", "!=", "<", "<=")


def match_spec(requirement: Requirement, names: Mapping[str, str]) -> str:
    """Return the conda match spec of a requirement, its marker left aside.

    `names` maps wheel names to conda names where those differ; an extra needs a separate entry
    (`"name[extra]"`), since conda packages have none. ValueError names what cannot be translated.
    """
    wheel = canonicalize_name(requirement.name)
    if requirement.url:
        raise ValueError(f"`{requirement}` has a URL, but a conda package cannot depend on a URL")
    key = f"{wheel}[{','.join(sorted(requirement.extras))}]" if requirement.extras else wheel
    if requirement.extras and key not in names:
        raise ValueError(f"`{requirement}` requests an extra, but [names] has no conda package for `{key}`")
    version = version_spec(requirement.specifier)
    return f"{names.get(key, wheel)} {version}".rstrip()


def version_spec(specifiers: SpecifierSet) -> str:
    """Return the conda version spec of PEP 440 specifiers, an empty string for any version."""
    ordered = sorted(specifiers, key=lambda clause: (_ORDER.index(clause.operator), clause.version))
    return ",".join(_clause(clause) for clause in ordered)


def _clause(clause: Specifier) -> str:
    match clause.operator, clause.version:
        case "==", version if version.endswith(".*"):
            return version
        case "===", version:
            return f"=={version}"
        case "~=", version:
            return f">={version},{version.rpartition('.')[0]}.*"
        case operator, version:
            return f"{operator}{version}"


def same_spec(spec: str, other: str) -> bool:
    """Return whether two match specs of the form `name clauses` mean the same, whatever their spelling."""
    return _normal(spec) == _normal(other)


def _normal(spec: str) -> tuple[str, frozenset[str]]:
    name, _, clauses = spec.strip().partition(" ")
    parts = {_normal_clause(part.strip().replace(" ", "")) for part in clauses.split(",")}
    return name, frozenset(part for part in parts if part not in {"", "*"})


def _normal_clause(clause: str) -> str:
    """Return a comparison without final zeros; of an upper bound also without the `a0` that a pin ends in.

    PEP 440 keeps the pre-releases of 2 out of `<2`, which a pin writes as `<2.0a0`.
    """
    match = _COMPARISON.fullmatch(clause)
    if match is None:
        return clause
    return f"{match['operator']}{re.sub(r'([.]0+)+$', '', match['version'])}"
