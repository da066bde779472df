"""A recipe's YAML: its values, where each of them stands, and what no document of ours may hold."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from flowlock.errors import FlowlockError, Location, Problem

if TYPE_CHECKING:
    import yaml

CODE = "FL310"
# More than any recipe has: a few aliases of aliases make a short text a document without end.
MOST, DEEPEST = 100_000, 64
_YAML = "tag:yaml.org,2002:"
_PLAIN = frozenset(_YAML + kind for kind in ("str", "int", "float", "bool", "null", "map", "seq"))
_MERGE = _YAML + "merge"

KeyPath: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Where a document's keys and values stand, by what leads to them; and how its scalars are written."""

    file: str = "recipe.yaml"
    keys: Mapping[KeyPath, Location] = field(default_factory=dict)
    values: Mapping[KeyPath, Location] = field(default_factory=dict)
    written: Mapping[KeyPath, str] = field(default_factory=dict)

    def value(self, path: KeyPath) -> Location:
        """Return where a value begins; if it is not there, the key of the nearest that would hold it."""
        return self.values[path] if path in self.values else self.key(path)

    def key(self, path: KeyPath) -> Location:
        """Return where a value's key stands, or the nearest key around it."""
        while path and path not in self.keys:
            path = path[:-1]
        return self.keys.get(path, Location(file=self.file, line=1, column=1))


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """A YAML mapping of texts to texts, numbers, truth values, lists and such mappings; and its places."""

    content: Mapping[str, Any]
    places: Places


def read(text: str, file: str) -> Text:
    """Parse a text; a FlowlockError tells all that is wrong with it. A time stays its text."""
    import yaml

    class Loader(yaml.CSafeLoader):
        yaml_implicit_resolvers = {  # noqa: RUF012 - no ClassVar: the base has none
            first: [pair for pair in pairs if pair[0] != f"{_YAML}timestamp"]
            for first, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
        }

    try:
        loader = Loader(text)
        node = loader.get_single_node()
        walk = _Walk(file, loader)
        problems = list(dict.fromkeys(walk.problems(node, ()))) if node else []
        if problems:
            message = problems[0].message if len(problems) == 1 else f"{file} has {len(problems)} problem(s)"
            raise FlowlockError(message, problems=problems)
        content = loader.construct_document(node) if node else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = _at(file, mark) if mark else Location(file=file)
        raise FlowlockError(f"{error.problem or error}", code=CODE, location=where) from error
    except yaml.YAMLError as error:
        raise FlowlockError(f"not YAML: {error}", code=CODE, location=Location(file=file)) from error
    if not isinstance(content, Mapping):
        where = Location(file=file, line=1, column=1)
        raise FlowlockError("a mapping was expected", code=CODE, location=where)
    places = Places(file=file, keys=walk.keys, values=walk.values, written=walk.written)
    return Text(content=content, places=places)


class _Walk:
    """Notes where everything stands, an alias's content once for each place that it is used in."""

    def __init__(self, file: str, loader: "yaml.CSafeLoader") -> None:
        self.file, self.loader = file, loader
        self.keys: dict[KeyPath, Location] = {}
        self.values: dict[KeyPath, Location] = {}
        self.written: dict[KeyPath, str] = {}
        self._open: set[int] = set()
        self._count = 0

    def problems(self, node: "yaml.Node", path: KeyPath) -> Iterator[Problem]:
        """Note a value and what it holds; yield what has no place in a document."""
        self._count += 1
        if id(node) in self._open:
            yield self._problem(node, "this value holds itself by an alias", "write out what is meant")
        elif len(path) > DEEPEST or self._count > MOST:
            yield self._problem(node, f"more than {MOST} values, or {DEEPEST} levels", "use fewer aliases")
        elif node.tag not in _PLAIN:
            shown = node.tag.replace(_YAML, "!!")
            yield self._problem(node, f"`{shown}` has no meaning here", "remove the tag, or quote the text")
        else:
            self.values[path] = _at(self.file, node.start_mark)
            self._open.add(id(node))
            yield from self._inside(node, path)
            self._open.remove(id(node))

    def _inside(self, node: "yaml.Node", path: KeyPath) -> Iterator[Problem]:
        import yaml

        if isinstance(node, yaml.ScalarNode):
            yield from self._scalar(node, path)
        elif isinstance(node, yaml.SequenceNode):
            for number, item in enumerate(node.value):
                yield from self.problems(item, (*path, number))
        else:
            yield from self._mapping(node, path)

    def _scalar(self, node: "yaml.Node", path: KeyPath) -> Iterator[Problem]:
        self.written[path] = node.value
        try:
            # A number of too many digits is one, but cannot be shown or written again.
            str(self.loader.construct_object(node))
        except (ValueError, LookupError):
            yield self._problem(node, f"`{node.value:.40}` is no value", "put it in quotes if it is a text")

    def _mapping(self, node: "yaml.Node", path: KeyPath) -> Iterator[Problem]:
        seen: set[str] = set()
        for key, value in node.value:
            if key.tag == _MERGE:
                # The first of several wins, and the mapping's own keys, which are noted later, win over all.
                parts = value.value if value.tag == f"{_YAML}seq" else [value]
                for part in reversed(parts):
                    yield from self.problems(part, path)
            elif key.tag != f"{_YAML}str":
                shown = f"the key `{key.value}`" if isinstance(key.value, str) else "a key"
                yield self._problem(key, f"{shown} is no text", "put it in quotes")
            elif key.value in seen:
                yield self._problem(key, f"`{key.value}` is given twice", "keep one of them")
            else:
                seen.add(key.value)
                self.keys[*path, key.value] = _at(self.file, key.start_mark)
                yield from self.problems(value, (*path, key.value))

    def _problem(self, node: "yaml.Node", message: str, hint: str) -> Problem:
        return Problem(code=CODE, message=message, location=_at(self.file, node.start_mark), hint=hint)


def _at(file: str, mark: Any) -> Location:
    return Location(file=file, line=mark.line + 1, column=mark.column + 1)
