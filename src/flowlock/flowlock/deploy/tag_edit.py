"""A tag written into the text of a manifest: one line changes, and everything else stays. Pure."""

import re
from dataclasses import dataclass
from difflib import unified_diff

from flowlock.deploy.image_places import ImagePlace, read_manifest, select
from flowlock.errors import FlowlockError

# OCI's distribution specification.
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
# What no reader of YAML, neither of 1.1 nor of 1.2, takes for a number, a boolean, a date or null.
_LETTERS = re.compile(r"[A-Za-z][\w./:-]*", re.ASCII)
_VERSION = re.compile(r"\d+(\.\d+){2,}(-[0-9A-Za-z.-]+)?", re.ASCII)
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"})
_QUOTES = ("'", '"')


@dataclass(frozen=True, kw_only=True, slots=True)
class TagEdit:
    """A text before and after the edit of one tag; both are the same if it has the tag already."""

    place: ImagePlace
    tag: str
    before: str
    after: str

    @property
    def changed(self) -> bool:
        """Whether the text differs."""
        return self.before != self.after

    def diff(self, file: str) -> str:
        """Return the edit as a unified diff."""
        before = self.before.splitlines()
        after = self.after.splitlines()
        return "\n".join(unified_diff(before, after, f"a/{file}", f"b/{file}", n=2, lineterm=""))


def checked_tag(tag: str) -> str:
    """Return a tag that a registry takes and that is not meant to be moved."""
    if tag == "latest" or not _TAG.fullmatch(tag):
        what = "would be moved with every push" if tag == "latest" else "is not a tag of an image"
        raise FlowlockError(
            f"`{tag}` {what}",
            code="FL944",
            hint="use the tag that `flowlock image push` printed: a version or a commit",
        )
    return tag


def set_tag(text: str, file: str, *, image: str, key: str, tag: str) -> TagEdit:
    """Return the text with another tag at the one place of a key, or of an image."""
    place = select(read_manifest(text, file), image=image, key=key)
    written = _written(place.prefix + tag, text[place.start : place.end])
    # After the colon of a key without a value there is no space yet.
    if place.start and place.start == place.end and not text[place.start - 1].isspace():
        written = f" {written}"
    after = text[: place.start] + written + text[place.end :]
    return TagEdit(place=place, tag=tag, before=text, after=after)


def scalar(value: str) -> str:
    """Return a value as YAML that every reader takes for this text."""
    is_plain = _VERSION.fullmatch(value) or (_LETTERS.fullmatch(value) and value.lower() not in _WORDS)
    return value if is_plain else f'"{value}"'


def _written(value: str, before: str) -> str:
    """Return a value in the quotes that the scalar had."""
    quote = before[:1]
    return f"{quote}{value}{quote}" if quote in _QUOTES else scalar(value)
