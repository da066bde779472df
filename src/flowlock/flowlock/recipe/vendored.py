"""A recipe of a third-party package: its source, and the timestamp of its files. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from flowlock.documents.places import KeyPath
from flowlock.errors import FlowlockError, Problem
from flowlock.names import FileName, Sha256
from flowlock.recipe.document import Recipe
from flowlock.recipe.values import resolve

_WHEEL = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*) ==(?P<version>\S+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Download:
    """What is fetched: a file at a URL, or the wheel of a name and version; in any case these bytes."""

    sha256: Sha256
    url: str | None = None
    wheel: str | None = None

    @property
    def file(self) -> FileName | None:
        """The file's name; that of a wheel is known when it is found. ValueError if the URL has none."""
        return _file_name(self.url) if self.url else None


@dataclass(frozen=True, kw_only=True, slots=True)
class VendoredSource:
    """Where a vendored package comes from, and the epoch of its artifact."""

    download: Download
    epoch: datetime


def _file_name(url: str) -> FileName:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        raise ValueError(f"`{url}` is not an http or https URL")
    # A `/` that is quoted parts names too, once it is none any more.
    return FileName(unquote(parts.path).rsplit("/", 1)[-1])


def origin(recipe: Recipe) -> VendoredSource:
    """Return what a vendored recipe is built from; all its problems are reported together.

    Either `source` is one archive (`url`, `sha256`), or `extra` names a wheel (`wheel: name ==version`,
    `sha256`). `extra.epoch` is the artifact's time, its own, so that a release does not change it.
    """
    problems = list(_problems(recipe))
    if problems:
        raise FlowlockError(f"{recipe.places.file} has {len(problems)} problem(s)", problems=problems)
    extra = recipe.extra
    epoch = datetime.fromisoformat(str(extra["epoch"]))
    if "wheel" in extra:
        wheel = resolve(extra["wheel"], recipe.document).replace(" ", "")
        download = Download(wheel=wheel, sha256=Sha256(str(extra["sha256"])))
    else:
        source = recipe.sources[0]
        download = Download(url=resolve(source["url"], recipe.document), sha256=Sha256(str(source["sha256"])))
    return VendoredSource(download=download, epoch=epoch if epoch.tzinfo else epoch.replace(tzinfo=UTC))


def _problems(recipe: Recipe) -> Iterator[Problem]:
    extra = recipe.extra
    try:
        datetime.fromisoformat(str(extra["epoch"]))
    except KeyError:
        hint = "set the timestamp for the package's files"
        yield _problem(recipe, ("extra", "epoch"), "extra.epoch is missing", hint)
    except ValueError as error:
        yield _problem(
            recipe, ("extra", "epoch"), f"extra.epoch: {error}", "write it as 2026-01-31T00:00:00Z"
        )
    if "wheel" in extra:
        if recipe.sources:
            yield _problem(
                recipe, ("source",), "the recipe names both a wheel and a source", "name one of them"
            )
        if not _WHEEL.fullmatch(_resolved(recipe, extra["wheel"])):
            message = f"`{extra['wheel']}` does not name a wheel"
            yield _problem(recipe, ("extra", "wheel"), message, "write `name ==version`")
        yield from _digest(recipe, extra, ("extra",))
    elif len(recipe.sources) != 1 or "url" not in recipe.sources[0]:
        hint = "name one archive with `source: {url, sha256}`, or one wheel with `extra: {wheel, sha256}`"
        yield _problem(
            recipe, ("source",), "a vendored package must be built from one archive or wheel", hint
        )
    else:
        place = ("source",) if isinstance(recipe.document["source"], Mapping) else ("source", 0)
        yield from _archive(recipe, recipe.sources[0], place)
        yield from _digest(recipe, recipe.sources[0], place)


def _archive(recipe: Recipe, source: Mapping[str, Any], place: KeyPath) -> Iterator[Problem]:
    for key in ("git", "path"):
        if key in source:
            message = f"the source has both `{key}` and `url`"
            yield _problem(
                recipe, (*place, key), message, "a vendored package must be built from one archive"
            )
    try:
        _file_name(resolve(source["url"], recipe.document))
    except ValueError as error:
        hint = "write the URL of the archive, ending in its file name"
        yield _problem(recipe, (*place, "url"), f"url: {error}", hint)


def _digest(recipe: Recipe, table: Mapping[str, Any], place: KeyPath) -> Iterator[Problem]:
    try:
        Sha256(str(table.get("sha256", "")))
    except ValueError as error:
        hint = "write the sha256 of the file in hexadecimal"
        yield _problem(recipe, (*place, "sha256"), f"sha256: {error}", hint)


def _problem(recipe: Recipe, path: KeyPath, message: str, hint: str) -> Problem:
    return Problem(code="FL316", message=message, location=recipe.places.value(path), hint=hint)


def _resolved(recipe: Recipe, value: object) -> str:
    try:
        return resolve(value, recipe.document)
    except ValueError:
        return ""
