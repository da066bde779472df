"""A YAML text as nodes with their places: only who writes where, not what a scalar means. Pure.

Helm and Kubernetes read YAML by other rules than flowlock does, so scalars are texts here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from flowlock.errors import FlowlockError, Location

# Of a file that people write; the reader takes longer than in proportion to both.
LARGEST, DEEPEST = 2_000_000, 100


@dataclass(kw_only=True, slots=True)
class TextNode:
    """A scalar, a list, a mapping (keys and values in turn) or an alias; `start` and `end` count letters."""

    kind: type
    start: int
    end: int
    line: int
    column: int
    anchor: str = ""
    text: str | None = None
    children: list["TextNode"] = field(default_factory=list)

    @property
    def is_alias(self) -> bool:
        """Whether it stands for another node."""
        return self.kind is yaml.AliasEvent

    @property
    def is_mapping(self) -> bool:
        """Whether it has keys."""
        return self.kind is yaml.MappingStartEvent

    @property
    def is_list(self) -> bool:
        """Whether it has items."""
        return self.kind is yaml.SequenceStartEvent

    def entries(self) -> Iterator[tuple[str, "TextNode"]]:
        """Yield the keys of a mapping that are scalars, with their values."""
        pairs = self.children if self.is_mapping else []
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            if key.text is not None:
                yield key.text, value

    def texts(self) -> Mapping[str, str]:
        """Return the values of a mapping that are scalars."""
        return {key: value.text for key, value in self.entries() if value.text is not None}


def documents(text: str, file: str) -> list[TextNode]:
    """Return the documents of a YAML text; a FlowlockError has the place at which it is not YAML."""
    if len(text) > LARGEST:
        raise _not_yaml(f"it has more than {LARGEST:,} letters", Location(file=file), text)
    try:
        return _roots(text, file)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = Location(file=file, line=mark.line + 1, column=mark.column + 1) if mark else Location(file=file)
        raise _not_yaml(str(error.problem), at, text) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _not_yaml(str(error).split("\n", maxsplit=1)[0], Location(file=file), text) from error


def _roots(text: str, file: str) -> list[TextNode]:
    roots: list[TextNode] = []
    above: list[TextNode] = []
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.NodeEvent):
            node = _node(event)
            (above[-1].children if above else roots).append(node)
            if isinstance(event, yaml.CollectionStartEvent):
                above.append(node)
            if len(above) > DEEPEST:
                at = Location(file=file, line=node.line, column=node.column)
                raise _not_yaml(f"it is nested deeper than {DEEPEST} levels", at, text)
        elif isinstance(event, yaml.CollectionEndEvent):
            above.pop()
    return roots


def _node(event: Any) -> TextNode:
    mark = event.start_mark
    return TextNode(
        kind=type(event),
        start=mark.index,
        end=event.end_mark.index,
        line=mark.line + 1,
        column=mark.column + 1,
        anchor=event.anchor or "",
        text=event.value if isinstance(event, yaml.ScalarEvent) else None,
    )


def _not_yaml(reason: str, at: Location, text: str) -> FlowlockError:
    is_template = "{{" in text
    hint = "name the values file of a chart: templates are not YAML" if is_template else "correct the line"
    return FlowlockError(f"the file is not YAML: {reason}", code="FL940", location=at, hint=hint)
