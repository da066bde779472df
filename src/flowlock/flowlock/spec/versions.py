"""Version conditions: conda's way of writing them → PEP 440's, since a workflow's wheel says them too."""

import re

from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet
from packaging.version import InvalidVersion, Version

# A version that ends as pre-releases, post-releases and development releases do.
_NUMBERED = re.compile(r"(?P<stem>[0-9.!]+(?:a|b|rc|\.?post|\.?dev))(?P<number>[0-9]+)")
_CLAUSE = re.compile(r"(?P<operator>===|==|!=|~=|>=|<=|>|<|=)?\s*(?P<version>[A-Za-z0-9_.!+*-]+)")


def pep440(text: str) -> str:
    """Return conditions such as `>=1.2,<2` as a PEP 440 specifier set; `*` is the empty set.

    Raises ValueError with a sentence for what is malformed, and for `|`, which PEP 440 cannot say.
    """
    text = text.strip()
    if text in ("", "*"):
        return ""
    if "|" in text:
        raise ValueError("alternatives with `|` cannot be expressed in a wheel's metadata")
    return ",".join(_clause(part.strip(), text) for part in text.split(","))


def meets(version: str, condition: str) -> bool:
    """Return whether a version meets conditions that `pep440` can read; one that PEP 440 cannot read does."""
    try:
        return SpecifierSet(pep440(condition)).contains(Version(version), prereleases=True)
    except InvalidVersion:
        return True


def _clause(text: str, whole: str) -> str:
    match = _CLAUSE.fullmatch(text)
    if not match or not match["version"].strip("*."):
        raise ValueError(f"`{whole}` is not a version condition such as >=1.2")
    operator, version = match["operator"] or "==", match["version"]
    # In conda `=1.2` and `1.2*` mean every version that begins so; `1.2` and `==1.2` exactly that one.
    if version.endswith("*") or operator == "=":
        clauses = _prefix_clauses(operator, version)
    else:
        clauses = [f"{operator}{version}"]
    try:
        return ",".join(str(Specifier(clause)) for clause in clauses)
    except InvalidSpecifier as error:
        raise ValueError(f"`{whole}` is not a version condition such as >=1.2") from error


def _prefix_clauses(operator: str, version: str) -> list[str]:
    """Return the clauses of PEP 440 that mean a condition about how a version begins.

    It has no prefixes of versions such as, as `0.1.0rc14.*`: those become a range.
    """
    prefix = version.rstrip("*").rstrip(".") if version.endswith("*") else version
    numbered = _NUMBERED.fullmatch(prefix.rstrip("."))
    if operator == "!=":
        return [f"!={prefix}.*"]
    if operator not in ("=", "=="):
        return [f"{operator}{prefix}"]
    if numbered:
        stem, number = numbered["stem"], int(numbered["number"])
        return [f">={stem}{number}", f"<{stem}{number + 1}"]
    return [f"=={prefix}.*"]
