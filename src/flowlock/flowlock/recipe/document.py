"""A recipe (rattler-build's v1 schema) as parsed, and what we read off it without the engine."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from flowlock.errors import FlowlockError, Location, Problem, nearest
from flowlock.names import PackageName

if TYPE_CHECKING:
    import yaml

KEYS = (
    "schema_version",
    "context",
    "package",
    "recipe",
    "source",
    "build",
    "outputs",
    "requirements",
    "tests",
    "about",
    "extra",
)
_VARIABLE = re.compile(r"\$\{\{\s*([A-Za-z_]\w*)\s*\}\}")


class Noarch(StrEnum):
    """What `build.noarch` may be."""

    PYTHON = "python"
    GENERIC = "generic"


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """One package's recipe: the document, and what of it we need to know before the engine runs."""

    document: Mapping[str, Any]
    name: PackageName
    version: str
    number: int
    noarch: Noarch | None

    @property
    def entry_points(self) -> tuple[str, ...]:
        """The commands of a noarch Python package, as `name = module:function`."""
        python = _table(_table(self.document, "build"), "python")
        return tuple(str(line) for line in python.get("entry_points") or ())

    def requirements(self, section: str) -> tuple[str, ...]:
        """Return the match specs of `build`, `host` or `run`, those of every branch of a selector."""
        return tuple(_leaves(_table(self.document, "requirements").get(section)))

    @property
    def extra(self) -> Mapping[str, Any]:
        """What `extra` says, which the engine leaves alone."""
        return _table(self.document, "extra")

    @property
    def sources(self) -> tuple[Mapping[str, Any], ...]:
        """The entries of `source`, one or many."""
        found = self.document.get("source") or ()
        return (found,) if isinstance(found, Mapping) else tuple(found)

    @property
    def canonical(self) -> Mapping[str, Any]:
        """The document without where the package lies: what its identity is made of, and what ships."""
        local = [{"path": "."} if "path" in source else source for source in self.sources]
        return {**self.document, "source": local}

    @property
    def canonical_text(self) -> str:
        """The canonical document as JSON, which is YAML too; equal documents give equal bytes."""
        return json.dumps(self.canonical, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def parse(text: str, file: str) -> Recipe:
    """Read a recipe's text; all its problems are reported together, with `file` as their place."""
    document = load(text, file)
    problems = list(_problems(document, file, text))
    if problems:
        raise FlowlockError(f"{file} has {len(problems)} problem(s)", problems=problems)
    return from_document(document)


def from_document(document: Mapping[str, Any]) -> Recipe:
    """Return the recipe of a document that has no problems."""
    package, build = _table(document, "package"), _table(document, "build")
    noarch = build.get("noarch")
    return Recipe(
        document=document,
        name=PackageName(resolve(package["name"], document)),
        version=resolve(package["version"], document),
        number=int(resolve(build.get("number", 0), document)),
        noarch=Noarch(noarch) if noarch else None,
    )


def resolve(value: Any, document: Mapping[str, Any]) -> str:
    """Return a text with the variables of `context` put in; ValueError names one that is not there."""
    context = _table(document, "context")

    def variable(match: re.Match[str]) -> str:
        if match[1] not in context:
            raise ValueError(f"`{match[0]}` is not in `context`")
        return resolve(context[match[1]], document)

    return _VARIABLE.sub(variable, str(value))


def yaml_text(recipe: Recipe) -> str:
    """Return the recipe as people read and write it: YAML in the schema's order."""
    import yaml

    class Indented(yaml.SafeDumper):
        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002 - the base class's signature
            super().increase_indent(flow, indentless=False)

    sections = [
        yaml.dump(
            {key: recipe.document[key]},
            Dumper=Indented,
            sort_keys=False,
            allow_unicode=True,
            width=2**16,
        )
        for key in KEYS
        if key in recipe.document
    ]
    return "\n".join(sections)


def load(text: str, file: str) -> Mapping[str, Any]:
    """Return a YAML mapping without duplicate keys, whose times are texts; else a FlowlockError."""
    import yaml

    class Loader(yaml.CSafeLoader):
        """Refuses duplicate keys, of which YAML libraries silently take the last; a time stays its text."""

        yaml_implicit_resolvers = {  # noqa: RUF012 - the base class's form
            first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
            for first, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
        }

        def construct_mapping(self, node: "yaml.MappingNode", deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - the base class's signature
            seen: set[Any] = set()
            for key, _ in node.value:
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"`{key.value}` is given twice", key.start_mark
                    )
                seen.add(key.value)
            return dict(super().construct_mapping(node, deep))

    try:
        document = yaml.load(text, Loader)  # noqa: S506 - a safe loader, see above
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = Location(
            file=file, line=mark.line + 1 if mark else None, column=mark.column + 1 if mark else None
        )
        raise FlowlockError(f"{error.problem or error}", code="FL310", location=where) from error
    except yaml.YAMLError as error:
        raise FlowlockError(f"not YAML: {error}", code="FL310", location=Location(file=file)) from error
    if not isinstance(document, Mapping):
        raise FlowlockError("a mapping was expected", code="FL310", location=Location(file=file, line=1))
    return document


def _problems(document: Mapping[str, Any], file: str, text: str) -> Iterator[Problem]:
    def at(key: str) -> Location:
        return Location(file=file, line=line_of(text, key))

    for key in document:
        if key not in KEYS:
            yield Problem(
                code="FL311", message=f"unknown key `{key}`", location=at(key), hint=nearest(key, KEYS)
            )
    if "outputs" in document:
        yield Problem(
            code="FL311",
            message="recipes with several outputs are not supported",
            location=at("outputs"),
            hint="write one recipe for each package",
        )
        return
    for section, key in (("package", "name"), ("package", "version"), ("build", "number")):
        yield from _value_problems(document, section, key, at(key))
    noarch = _table(document, "build").get("noarch")
    if noarch and noarch not in set(Noarch):
        yield Problem(
            code="FL311", message=f"noarch is `{noarch}`, not python or generic", location=at("noarch")
        )
    yield from _escapes(document, at)
    if re.search(r"pin_subpackage\([^)]*exact\s*=\s*[Tt]rue", text):
        yield Problem(
            code="FL313",
            message="an exact pin would make this package's bytes depend on another's",
            location=at("pin_subpackage"),
            hint="pin a version range; the lock pins the exact build",
        )


def _value_problems(
    document: Mapping[str, Any], section: str, key: str, place: Location
) -> Iterator[Problem]:
    value = _table(document, section).get(key, 0 if key == "number" else None)
    if value is None:
        yield Problem(code="FL311", message=f"{section}.{key} is missing", location=place)
        return
    named = _VARIABLE.fullmatch(str(value))
    value = _table(document, "context").get(named[1], value) if named else value
    if isinstance(value, float):
        message = f"{section}.{key} is a number, and its text is lost (0.10 becomes 0.1)"
        yield Problem(code="FL311", message=message, location=place, hint="put it in quotes")
        return
    try:
        text = resolve(value, document)
        if key == "name":
            PackageName(text)
        elif key == "number":
            int(text)
    except ValueError as error:
        yield Problem(code="FL311", message=f"{section}.{key}: {error}", location=place)


def _escapes(document: Mapping[str, Any], at: Any) -> Iterator[Problem]:
    """Yield the paths that leave the package: a build sees its own source and nothing else."""
    about, build = _table(document, "about"), _table(document, "build")
    script = build.get("script")
    script_file = script.get("file") if isinstance(script, Mapping) else None
    source = document.get("source") or ()
    sources = [source] if isinstance(source, Mapping) else list(source)
    named = {
        "license_file": list(_leaves(about.get("license_file"))),
        "file": [script_file] if script_file else [],
        "patches": [patch for one in sources for patch in _leaves(one.get("patches"))],
        "target_directory": [one["target_directory"] for one in sources if "target_directory" in one],
        "path": [one["path"] for one in sources if "path" in one and _absolute(str(one["path"]))],
    }
    for key, paths in named.items():
        for path in paths:
            if _absolute(str(path)) or (key != "path" and ".." in PurePosixPath(str(path)).parts):
                yield Problem(
                    code="FL312",
                    message=f"`{path}` leaves the package",
                    location=at(key),
                    hint="name a file of the package by its path inside it",
                )


def _absolute(path: str) -> bool:
    return PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute() or path.startswith("~")


def line_of(text: str, key: str) -> int | None:
    """Return the first line that has a key, or that holds the text."""
    rows = text.splitlines()
    pattern = re.compile(rf"\s*(-\s+)?[\"']?{re.escape(key)}[\"']?\s*[:=]")
    for matches in (pattern.match, lambda row: key in row):
        for number, row in enumerate(rows, 1):
            if matches(row):
                return number
    return None


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    return value if isinstance(value, Mapping) else {}


def _leaves(value: Any) -> Iterator[str]:
    """Yield the texts of a value that may be one, a list, or lists behind `if`/`then`/`else` selectors."""
    if isinstance(value, Mapping):
        for branch in ("then", "else"):
            yield from _leaves(value.get(branch))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _leaves(item)
    elif value is not None:
        yield str(value)
