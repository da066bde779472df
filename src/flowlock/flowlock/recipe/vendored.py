"""A recipe of somebody else's package: what it is built from, and the time that its files bear. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from flowlock.errors import FlowlockError, Location, Problem
from flowlock.names import Sha256
from flowlock.recipe.document import Recipe, line_of, resolve

_WHEEL = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*) ==(?P<version>\S+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Download:
    """What is fetched: a file at a URL, or the wheel of a name and version; in any case these bytes."""

    sha256: Sha256
    url: str | None = None
    wheel: str | None = None

    @property
    def file(self) -> str | None:
        """The file's name; that of a wheel is known when it is found."""
        return unquote(urlsplit(self.url).path.rsplit("/", 1)[-1]) if self.url else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where a vendored package comes from, and the epoch of its artifact."""

    download: Download
    epoch: datetime


def origin(recipe: Recipe, file: str, text: str) -> Origin:
    """Return what a vendored recipe is built from; all its problems are reported together.

    Either `source` is one archive (`url`, `sha256`), or `extra` names a wheel (`wheel: name ==version`,
    `sha256`). `extra.epoch` is the artifact's time, its own, so that a release of ours leaves it alone.
    """
    problems = list(_problems(recipe, file, text))
    if problems:
        raise FlowlockError(f"{file} has {len(problems)} problem(s)", problems=problems)
    extra = recipe.extra
    epoch = datetime.fromisoformat(str(extra["epoch"]))
    if "wheel" in extra:
        wheel = resolve(extra["wheel"], recipe.document).replace(" ", "")
        download = Download(wheel=wheel, sha256=Sha256(extra["sha256"]))
    else:
        source = recipe.sources[0]
        download = Download(url=resolve(source["url"], recipe.document), sha256=Sha256(source["sha256"]))
    return Origin(download=download, epoch=epoch if epoch.tzinfo else epoch.replace(tzinfo=UTC))


def _problems(recipe: Recipe, file: str, text: str) -> Iterator[Problem]:
    def problem(message: str, key: str, hint: str) -> Problem:
        location = Location(file=file, line=line_of(text, key) or 1)
        return Problem(code="FL316", message=message, location=location, hint=hint)

    extra = recipe.extra
    try:
        datetime.fromisoformat(str(extra["epoch"]))
    except KeyError:
        yield problem("extra.epoch is missing", "extra", "give the time that the package's files shall bear")
    except ValueError as error:
        yield problem(f"extra.epoch: {error}", "epoch", "write it as 2026-01-31T00:00:00Z")
    if "wheel" in extra:
        if recipe.sources:
            yield problem("both a wheel and a source are named", "source", "name one of them")
        if not _WHEEL.fullmatch(_resolved(recipe, extra["wheel"])):
            yield problem(f"`{extra['wheel']}` names no wheel", "wheel", "write `name ==version`")
        yield from _digest(extra, problem)
    elif len(recipe.sources) != 1 or "url" not in recipe.sources[0]:
        hint = "name one archive by `source: {url, sha256}`, or a wheel by `extra: {wheel, sha256}`"
        yield problem("a vendored package is built from one archive or wheel", "source", hint)
    else:
        yield from _digest(recipe.sources[0], problem)


def _digest(table: Mapping[str, Any], problem: Any) -> Iterator[Problem]:
    try:
        Sha256(str(table.get("sha256", "")))
    except ValueError as error:
        yield problem(f"sha256: {error}", "sha256", "give the digest of the file, in hexadecimal digits")


def _resolved(recipe: Recipe, value: object) -> str:
    try:
        return resolve(value, recipe.document)
    except ValueError:
        return ""
