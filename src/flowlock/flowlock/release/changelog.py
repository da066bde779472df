"""CHANGELOG.md, gathered from one fragment a change. Pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum

from flowlock.errors import FlowlockError, Location, Problem, nearest

TITLE = "# Changelog\n"
README = "README.md"


class FragmentKind(StrEnum):
    """The kinds of changes, in the order of the changelog."""

    ADDED = "added"
    CHANGED = "changed"
    FIXED = "fixed"


def section(fragments: Mapping[str, str], version: str, day: date, *, folder: str) -> str:
    """Return a release's section from its fragments (file name → text); all bad ones are named together.

    A release without a fragment is listed too, since it may only rebuild packages.
    """
    entries: dict[FragmentKind, list[str]] = {}
    problems = []
    for file, text in sorted(fragments.items()):
        if file == README:
            continue
        kind = file.removesuffix(".md").rpartition(".")[2]
        if not file.endswith(".md") or kind not in list(FragmentKind) or not text.strip():
            problems.append(_problem(file, kind, text, folder))
            continue
        entries.setdefault(FragmentKind(kind), []).append(" ".join(text.split()))
    if problems:
        raise FlowlockError("the changelog cannot be generated", problems=problems)
    head = f"## {version} ({day.isoformat()})\n"
    return "\n".join([head, *(_entries(entries) or ["No change for users.\n"])])


def _entries(entries: Mapping[FragmentKind, Sequence[str]]) -> list[str]:
    """Return the entries of each kind under its heading."""
    parts = []
    for kind in FragmentKind:
        lines = "".join(f"- {entry}\n" for entry in entries.get(kind, ()))
        if lines:
            parts.append(f"### {kind.capitalize()}\n\n{lines}")
    return parts


def _problem(file: str, kind: str, text: str, folder: str) -> Problem:
    hint = nearest(kind, list(FragmentKind)) or f"name it NAME.{'|'.join(FragmentKind)}.md"
    is_kind = kind in list(FragmentKind) and file.endswith(".md")
    return Problem(
        code="FL835",
        message="the fragment is empty"
        if is_kind and not text.strip()
        else f"`{kind}` is not a kind of change",
        location=Location(file=f"{folder}/{file}"),
        hint="write one sentence for users" if is_kind else hint,
    )


def with_section(text: str, new: str) -> str:
    """Return the changelog with a section before all others."""
    changelog = text or TITLE
    first = re.search(r"^## ", changelog, re.MULTILINE)
    if first is None:
        return f"{changelog.rstrip()}\n\n{new}"
    return f"{changelog[: first.start()]}{new}\n{changelog[first.start() :]}"


def notes(text: str, version: str) -> str:
    """Return the changelog's section for a version, without its heading; empty if there is none."""
    pattern = rf"^## {re.escape(version)}(?: [^\n]*)?\n(.*?)(?=^## |\Z)"
    section_of_version = re.search(pattern, text, re.MULTILINE | re.DOTALL)
    return section_of_version[1].strip() if section_of_version else ""
