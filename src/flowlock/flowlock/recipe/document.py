"""A recipe (rattler-build's v1 schema) as parsed, and what we read off it without the engine."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from flowlock.conda.noarch import Noarch
from flowlock.documents.places import KeyPath, Places
from flowlock.documents.yaml import read_mapping, text_of
from flowlock.errors import FlowlockError, Problem
from flowlock.names import BuildNumber, EntryPoint, PackageName, Version
from flowlock.recipe import schema
from flowlock.recipe.paths import escapes
from flowlock.recipe.selectors import platform_selectors
from flowlock.recipe.values import fill, filled_requirement, leaves, resolve, strings, table, texts, variables

_TABLES: tuple[tuple[str, ...], ...] = (
    *((key,) for key in ("context", "package", "build", "requirements", "about", "extra")),
    ("build", "python"),
)
# What the items of a value are, which may be one or a list, and stand behind selectors.
_ITEMS: Mapping[tuple[str, ...], tuple[type | tuple[type, ...], str]] = {
    ("source",): (Mapping, "a mapping"),
    ("build", "skip"): ((str, bool), "a condition"),
    ("build", "python", "entry_points"): (str, "a string"),
    ("requirements", "build"): (str, "a match spec"),
    ("requirements", "host"): (str, "a match spec"),
    ("requirements", "run"): (str, "a match spec"),
    ("tests",): (Mapping, "a mapping"),
}
_RULES = (("package", "name", PackageName), ("package", "version", Version), ("build", "number", BuildNumber))
# A pin in an expression with `exact=`, or with `exact` among arguments that are passed on as a mapping.
_EXACT = re.compile(r"""\$\{\{.*\bpin_subpackage\b.*\bexact["']?\s*[:=](?!\s*[Ff]alse\s*[,)}])""", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """One package's recipe: the document, and what of it we need to know before the engine runs."""

    document: Mapping[str, Any]
    name: PackageName
    version: Version
    number: int
    noarch: Noarch | None
    places: Places = field(default_factory=Places, compare=False, repr=False)

    @property
    def entry_points(self) -> tuple[str, ...]:
        """The commands of a noarch Python package, as `name = module:function`."""
        return tuple(texts(table(self.document, "build", "python").get("entry_points")))

    def requirements(self, section: str) -> tuple[str, ...]:
        """Return the match specs of `build`, `host` or `run`, those of every branch of a selector.

        Variables of `context` are put in; what only the engine evaluates (`compiler('c')`) is as written.
        """
        specs = texts(table(self.document, "requirements").get(section))
        return tuple(filled_requirement(spec, self.document) for spec in specs)

    @property
    def license_files(self) -> tuple[str, ...]:
        """The paths and patterns of `about.license_file`, those of every branch of a selector."""
        return tuple(texts(table(self.document, "about").get("license_file")))

    @property
    def patches(self) -> tuple[str, ...]:
        """The patches of every source, as paths beside the recipe."""
        sources = [source for _, source in leaves(self.document.get("source"))]
        mappings = [source for source in sources if isinstance(source, Mapping)]
        names = [name for source in mappings for name in texts(source.get("patches"))]
        return tuple(fill(name, self.document) for name in names)

    @property
    def extra(self) -> Mapping[str, Any]:
        """What `extra` says, which the engine leaves alone."""
        return table(self.document, "extra")

    @property
    def sources(self) -> tuple[Mapping[str, Any], ...]:
        """The entries of `source`, one or many."""
        sources = self.document.get("source") or ()
        return (sources,) if isinstance(sources, Mapping) else tuple(sources)

    @property
    def canonical(self) -> Mapping[str, Any]:
        """The document without where the package lies: what its identity is made of, and what ships."""
        local = [{**source, "path": "."} if "path" in source else source for source in self.sources]
        return {**self.document, "source": local}

    @property
    def canonical_text(self) -> str:
        """The canonical document as JSON, which is YAML too; equal documents give equal bytes."""
        return json.dumps(self.canonical, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def parse(text: str, file: str) -> Recipe:
    """Read a recipe's text; all its problems are reported together, with `file` as their place."""
    written = read_mapping(text, file)
    problems = list(_problems(written.content, written.places))
    if problems:
        raise FlowlockError(f"{file} has {len(problems)} problem(s)", problems=problems)
    return from_document(written.content, written.places)


def from_document(document: Mapping[str, Any], places: Places | None = None) -> Recipe:
    """Return the recipe of a document that has no problems."""
    package, build = table(document, "package"), table(document, "build")
    noarch = build.get("noarch")
    return Recipe(
        document=document,
        name=PackageName(resolve(package["name"], document)),
        version=Version(resolve(package["version"], document)),
        number=int(resolve(build.get("number", 0), document)),
        noarch=Noarch(noarch) if noarch else None,
        places=places or Places(),
    )


def yaml_text(recipe: Recipe) -> str:
    """Return the recipe as YAML in the order of the schema."""
    sections = [text_of({key: recipe.document[key]}) for key in schema.KEYS[()] if key in recipe.document]
    return "\n".join(sections)


def _problems(document: Mapping[str, Any], places: Places) -> Iterator[Problem]:
    if "outputs" in document:
        hint = "write one recipe for each package"
        message = "recipes with several outputs are not supported"
        yield _problem(message, places, ("outputs",), hint, at_key=True)
        return
    yield from schema.unknown_keys(document, places)
    misshapen = list(_shapes(document, places))
    if misshapen:
        # What the rest would report for these values does not help.
        yield from misshapen
        return
    yield from _context_problems(document, places)
    for section, key, rule in _RULES:
        yield from _value_problems(document, section, key, rule, places)
    noarch = table(document, "build").get("noarch")
    if noarch is not None and not (isinstance(noarch, str) and noarch in set(Noarch)):
        yield _problem(f"noarch is `{noarch}`, not python or generic", places, ("build", "noarch"))
    elif noarch is not None:
        yield from platform_selectors(document, places)
    yield from _own_values(document, places)
    yield from escapes(document, places)
    yield from _exact_pins(document, places)


def _own_values(document: Mapping[str, Any], places: Places) -> Iterator[Problem]:
    """Yield commands that are none, and a build string: it tells what the package is made of."""
    build = table(document, "build")
    place: KeyPath = ("build", "python", "entry_points")
    for path, line in leaves(table(build, "python").get("entry_points"), place):
        try:
            EntryPoint(fill(line, document))
        except ValueError as error:
            yield _problem(str(error), places, path)
    if "string" in build:
        hint = "remove it: flowlock uses the digest of the package's inputs as the build string"
        yield _problem("build.string has no effect", places, ("build", "string"), hint, at_key=True)


def _problem(
    message: str, places: Places, path: KeyPath, hint: str | None = None, *, at_key: bool = False
) -> Problem:
    location = places.key(path) if at_key else places.value(path)
    return Problem(code="FL311", message=message, location=location, hint=hint)


def _shapes(document: Mapping[str, Any], places: Places) -> Iterator[Problem]:
    """Yield the values that are not of the kind that their keys ask for."""
    for path in _TABLES:
        value = table(document, *path[:-1]).get(path[-1])
        if value is not None and not isinstance(value, Mapping):
            yield _problem(f"{'.'.join(path)} is not a mapping", places, path, "write `key: value` below it")
    for path, (kind, words) in _ITEMS.items():
        for place, item in leaves(table(document, *path[:-1]).get(path[-1]), path):
            if not isinstance(item, kind):
                yield _problem(f"{'.'.join(path)}: `{item}` is not {words}", places, place)


def _context_problems(document: Mapping[str, Any], places: Places) -> Iterator[Problem]:
    for name, value in table(document, "context").items():
        try:
            fill(value, document, (name,))
        except ValueError as error:
            yield _problem(
                str(error), places, ("context", name), "replace one of the variables with its value"
            )


def _value_problems(
    document: Mapping[str, Any], section: str, key: str, rule: type[str], places: Places
) -> Iterator[Problem]:
    value = table(document, section).get(key, 0 if key == "number" else None)
    if value is None:
        yield _problem(f"{section}.{key} is missing", places, (section, key))
        return
    context = table(document, "context")
    made_of: dict[KeyPath, Any] = {(section, key): value}
    made_of |= {("context", name): context[name] for name in variables(value, document)}
    lost = {path: part for path, part in made_of.items() if _loses_text(part, places.written.get(path))}
    for path, part in lost.items():
        message = f"{section}.{key}: `{places.written.get(path, part)}` without quotes is parsed as `{part}`"
        yield _problem(
            message, places, path, "put it in quotes: a number does not keep its spelling (1.10 becomes 1.1)"
        )
    if lost:
        return
    try:
        rule(resolve(value, document))
    except ValueError as error:
        yield _problem(f"{section}.{key}: {error}", places, (section, key))


def _loses_text(value: Any, written: str | None) -> bool:
    """Return whether YAML reads a text as something else: 1.10 as 1.1, 0x10 as 16, true as True."""
    if isinstance(value, str):
        return False
    return isinstance(value, float) or (written is not None and str(value) != written)


def _exact_pins(document: Mapping[str, Any], places: Places) -> Iterator[Problem]:
    for path, text in strings(document):
        if _EXACT.search(text):
            yield Problem(
                code="FL313",
                message="with an exact pin, the bytes of this package would depend on another package",
                location=places.value(path),
                hint="pin a version range; the lock pins the exact build",
            )
