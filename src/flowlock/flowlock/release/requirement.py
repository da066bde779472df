"""A requirement's next version, written into specs, recipes and manifests; everything else stays. Pure."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import tomlkit
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from tomlkit.exceptions import TOMLKitError

from flowlock.documents import toml
from flowlock.documents.places import KeyPath
from flowlock.errors import FlowlockError, Location, Problem
from flowlock.recipe.requirement import version_spec
from flowlock.release.scalars import ScalarEdit, applied, inserted, replaced
from flowlock_core.documents.nodes import Items, Node, Scalar
from flowlock_core.documents.nodes import Mapping as YamlMapping
from flowlock_core.documents.yaml_text import read_yaml

_CLAUSE = re.compile(r"(===|==|~=|>=|<=|!=|>|<|=)?\s*([^\s,]+)")
_SPEC = re.compile(
    r"(?P<head>\s*(?:\S+::)?(?P<name>[A-Za-z0-9._-]+)\s*)(?P<version>[^\[\s][^\[]*)?(?P<tail>.*)"
)
_PYTHON_REQUIREMENT = re.compile(
    r"(?P<head>\s*[A-Za-z0-9._-]+\s*(?:\[[^\]]*\])?\s*)[^;]*?(?P<tail>\s*(?:;.*)?)"
)
_EXACT = re.compile(r"\S+ ==[^\s,]+")
_MOVED = ("==", "===", "~=", ">=")
_DEPENDENCY_TABLES = ("dependencies", "host-dependencies", "build-dependencies", "constraints")
# The tables of a pixi manifest that hold tables of dependencies, at any depth.
_HOLDERS = ("feature", "target", "environments")


def _has_operator(clause: str) -> bool:
    match = _CLAUSE.match(clause)
    return bool(match and match[1])


@dataclass(frozen=True, kw_only=True, slots=True)
class MovedRequirement:
    """One place where a requirement was moved."""

    file: str
    line: int
    old: str
    new: str

    def as_json(self) -> Mapping[str, Any]:
        """Return {file, line, old, new}."""
        return {"file": self.file, "line": self.line, "old": self.old, "new": self.new}


@dataclass(frozen=True, kw_only=True, slots=True)
class EditedFile:
    """A file's new text, what changed in it, and what could not be changed."""

    text: str
    changes: tuple[MovedRequirement, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RequirementMove:
    """The package to move, by its conda name and the names of its wheel, and where to.

    `version` is a version, which takes the place of the one that a requirement has (`>=1.2,<2` and 1.3 give
    `>=1.3,<2`), or a whole constraint.
    """

    name: str
    wheels: frozenset[str]
    version: str

    def conda(self, old: str) -> str:
        """Return the constraint that follows `old` in a spec or recipe; ValueError explains why none does."""
        if self._is_version:
            return self._raised(old)
        try:
            return version_spec(SpecifierSet(self.version))
        except InvalidSpecifier:
            return self.version

    def python(self, old: str) -> str:
        """Return the constraint that follows `old` in a pyproject; ValueError explains why none does."""
        if self._is_version:
            return self._raised(old)
        clauses = [clause.strip() for clause in self.version.split(",")]
        text = ",".join(clause if _has_operator(clause) else f"=={clause}" for clause in clauses)
        try:
            SpecifierSet(text)
        except InvalidSpecifier as error:
            raise ValueError(f"`{self.version}` cannot be written in a pyproject (PEP 440)") from error
        return text

    @property
    def _is_version(self) -> bool:
        try:
            Version(self.version)
        except InvalidVersion:
            return False
        return True

    def _raised(self, old: str) -> str:
        """Return `old` with the new version in its one clause that names a lowest or only version."""
        clauses = _clauses(old)
        if not clauses:
            return f">={self.version}"
        moved = [clause for clause in clauses if _names_one_version(clause)]
        if len(moved) != 1:
            raise ValueError(f"`{old}` has no clause that a single version can replace")
        self._require_allowed([clause for clause in clauses if clause is not moved[0]])
        raised = f"{moved[0][1] or ''}{self.version}"
        return ",".join(raised if clause is moved[0] else clause[0] for clause in clauses)

    def _require_allowed(self, clauses: Sequence[re.Match[str]]) -> None:
        text = ",".join(f"{clause[1] or '=='}{clause[2]}" for clause in clauses)
        if not SpecifierSet(text).contains(self.version, prereleases=True):
            raise ValueError(f"`{text}` does not allow {self.version}")


def _clauses(constraint: str) -> list[re.Match[str]]:
    """Return the clauses of a constraint, none for any version; ValueError for what is not one."""
    clauses = []
    for text in constraint.split(","):
        clause = _CLAUSE.fullmatch(text.strip())
        if clause is not None:
            clauses.append(clause)
        elif text.strip():
            raise ValueError(f"`{constraint}` is not a list of versions")
    return [clause for clause in clauses if clause[0] != "*"]


def _names_one_version(clause: re.Match[str]) -> bool:
    return (clause[1] or "==") in _MOVED and "*" not in clause[2] and "|" not in clause[2]


def edited_spec(text: str, file: str, move: RequirementMove) -> EditedFile:
    """Move a package in a workflow spec's `requirements`."""
    root = read_yaml(text, file).root
    requirements = _entry(root, "requirements")
    items = requirements.items if isinstance(requirements, Items) else ()
    edits = [edit for item in items for edit in _spec_edits(text, item, move)]
    return _edited(text, file, edits)


def _spec_edits(text: str, node: Node, move: RequirementMove) -> Iterator[ScalarEdit]:
    if isinstance(node, Scalar):
        yield from _match_spec_edits(text, node, move)
        return
    whole = _entry(node, "requirement")
    if isinstance(whole, Scalar):
        yield from _match_spec_edits(text, whole, move)
        return
    name, version = _entry(node, "name"), _entry(node, "version")
    if not isinstance(name, Scalar) or name.value != move.name:
        return
    if isinstance(version, Scalar):
        yield replaced(text, version, lambda: move.conda(version.text))
    elif isinstance(node, YamlMapping):
        yield inserted(text, node, name, "version", lambda: move.conda(""))


def edited_recipe(text: str, file: str, move: RequirementMove) -> EditedFile:
    """Move a package in the requirements of a recipe, and of its tests."""
    root = read_yaml(text, file).root
    tests = _entry(root, "tests")
    nodes = [_entry(root, "requirements")]
    if isinstance(tests, Items):
        nodes += [_entry(test, "requirements") for test in tests.items]
    edits = [
        edit for node in nodes for scalar in _scalars(node) for edit in _match_spec_edits(text, scalar, move)
    ]
    return _edited(text, file, edits)


def _match_spec_edits(text: str, scalar: Scalar, move: RequirementMove) -> Iterator[ScalarEdit]:
    """Yield the edit of a match spec (`channel::name version build`), if it is of the package."""
    match = _SPEC.fullmatch(scalar.text)
    if match is None or match["name"] != move.name:
        return
    version, _, build = (match["version"] or "").strip().partition(" ")

    def new() -> str:
        constraint = " ".join(part for part in (move.conda(version), build.strip()) if part)
        head = match["head"] if match["version"] else f"{match['head'].rstrip()} "
        return f"{head}{constraint}{match['tail']}"

    yield replaced(text, scalar, new)


def _scalars(node: Node | None) -> Iterator[Scalar]:
    """Yield every text below a node, also in the branches of `if`; not the conditions themselves."""
    match node:
        case Scalar():
            yield node
        case Items():
            for item in node.items:
                yield from _scalars(item)
        case YamlMapping():
            for key, value in node.entries:
                if key.value != "if":
                    yield from _scalars(value)


def _entry(node: Node | None, key: str) -> Node | None:
    if isinstance(node, YamlMapping):
        for name, value in node.entries:
            if name.value == key:
                return value
    return None


def _edited(text: str, file: str, edits: list[ScalarEdit]) -> EditedFile:
    """Apply the edits; two of one place (an alias) are one."""
    by_place = {(edit.start, edit.end): edit for edit in edits}
    ordered = [by_place[place] for place in sorted(by_place)]
    faults = [edit for edit in ordered if edit.fault]
    changes = [edit for edit in ordered if not edit.fault and edit.old != edit.new]
    return EditedFile(
        text=applied(text, changes),
        changes=tuple(
            MovedRequirement(file=file, line=edit.line, old=edit.old, new=edit.new) for edit in changes
        ),
        problems=tuple(_problem(file, edit.line, edit.fault) for edit in faults),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _TomlEdits:
    """A TOML file that is edited in place, with what was moved in it and what could not be."""

    document: tomlkit.TOMLDocument
    places: toml.Document
    changes: list[MovedRequirement] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def move(self, holder: Any, path: KeyPath, new: Callable[[str], str]) -> None:
        """Replace the text at a path, whose last part is its key in `holder`, by what `new` makes of it."""
        key = path[-1]
        old = str(holder[key])
        line = self.places.at(path).line or 1
        try:
            text = new(old)
        except ValueError as error:
            self.problems.append(_problem(self.places.file, line, str(error)))
            return
        if text != old:
            self.changes.append(MovedRequirement(file=self.places.file, line=line, old=old, new=text))
            holder[key] = text

    def result(self) -> EditedFile:
        """Return the file as it is now."""
        return EditedFile(
            text=tomlkit.dumps(self.document), changes=tuple(self.changes), problems=tuple(self.problems)
        )


def edited_pyproject(text: str, file: str, move: RequirementMove) -> EditedFile:
    """Move a package in a pyproject's dependencies, extras, dependency groups and build requirements."""
    edits = _toml(text, file)
    for path, requirements in _requirement_lists(edits.document):
        for number, item in enumerate(requirements):
            if isinstance(item, str):
                edits.move(requirements, (*path, number), partial(_python_requirement, move=move))
    return edits.result()


def edited_manifest(text: str, file: str, move: RequirementMove) -> EditedFile:
    """Move a package in the dependencies and constraints of a pixi manifest, its features and targets."""
    edits = _toml(text, file)
    for path, table in _dependency_tables(edits.document, ()):
        entry = table.get(move.name)
        if isinstance(entry, str):
            edits.move(table, (*path, move.name), move.conda)
        elif isinstance(entry, Mapping) and "version" in entry:
            edits.move(entry, (*path, move.name, "version"), move.conda)
    return edits.result()


def edited_workspace(text: str, file: str, move: RequirementMove) -> EditedFile:
    """Move the build backend or the installer that flowlock.toml pins, which recipes have to agree with."""
    edits = _toml(text, file)
    table = _table(edits.document, "build")
    for key in ("backend", "installer"):
        if str(table.get(key, "")).partition(" ")[0] == move.name:
            edits.move(table, ("build", key), partial(_exact_pin, key, move=move))
    return edits.result()


def _exact_pin(key: str, old: str, *, move: RequirementMove) -> str:
    name, _, version = old.partition(" ")
    new = f"{name} {move.conda(version)}"
    if not _EXACT.fullmatch(new):
        raise ValueError(f"`{key}` needs one exact version, not `{new}`")
    return new


def _dependency_tables(table: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each table of conda dependencies at or below a table of a pixi manifest, with its path."""
    for key, value in table.items():
        if not isinstance(value, Mapping):
            continue
        if key in _DEPENDENCY_TABLES:
            yield (*path, key), value
        elif not path or path[0] in _HOLDERS:
            yield from _dependency_tables(value, (*path, key))


def _toml(text: str, file: str) -> _TomlEdits:
    """Return a TOML text to be edited, without any edit."""
    places = toml.read(text, file, code="FL302")
    try:
        return _TomlEdits(document=tomlkit.parse(text), places=places)
    except (TOMLKitError, RecursionError) as error:
        raise FlowlockError(
            f"{file} cannot be edited: {error}",
            code="FL851",
            location=Location(file=file),
            hint="rewrite it in TOML 1.0, or edit the requirement by hand",
        ) from error


def _table(document: Any, key: str) -> Any:
    table = document.get(key)
    return table if isinstance(table, Mapping) else {}


def _requirement_lists(document: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each list of requirements with its path."""
    project = _table(document, "project")
    lists: dict[tuple[str, ...], Any] = {
        ("project", "dependencies"): project.get("dependencies"),
        ("build-system", "requires"): _table(document, "build-system").get("requires"),
    }
    for name, extra in _table(project, "optional-dependencies").items():
        lists["project", "optional-dependencies", name] = extra
    for name, group in _table(document, "dependency-groups").items():
        lists["dependency-groups", name] = group
    for path, requirements in lists.items():
        if isinstance(requirements, list):
            yield path, requirements


def _python_requirement(text: str, *, move: RequirementMove) -> str:
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return text
    parts = _PYTHON_REQUIREMENT.fullmatch(text)
    if canonicalize_name(requirement.name) not in move.wheels or requirement.url or parts is None:
        return text
    old = text[parts.end("head") : parts.start("tail")].strip("() ")
    return f"{parts['head']}{move.python(old)}{parts['tail']}"


def _problem(file: str, line: int, message: str) -> Problem:
    return Problem(
        code="FL851",
        message=message,
        location=Location(file=file, line=line),
        hint="name the whole constraint, such as '>=1.3,<2', or edit this place by hand",
    )


EDITORS: Mapping[str, Callable[[str, str, RequirementMove], EditedFile]] = {
    "flowlock.toml": edited_workspace,
    "spec.yaml": edited_spec,
    "recipe.yaml": edited_recipe,
    "pyproject.toml": edited_pyproject,
    "pixi.toml": edited_manifest,
}
