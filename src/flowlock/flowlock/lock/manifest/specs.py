"""Values of pixi manifests as what solvers take: dependencies as match specs, cutoffs as times."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flowlock.lock.manifest.model import channel_url

# Keys of a dependency's table → keys of a match spec's brackets.
_BRACKETS = {
    "build": "build",
    "build-number": "build_number",
    "file-name": "fn",
    "channel": "channel",
    "subdir": "subdir",
    "license": "license",
    "md5": "md5",
    "sha256": "sha256",
    "extras": "extras",
    "when": "when",
}
SOURCES = ("path", "git", "url", "branch", "tag", "rev", "subdirectory")
_FOLDER = re.compile(r"[./~\\]|[A-Za-z]:[/\\]")
_UNITS = {"s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hour": 3600}
_UNITS |= {"d": 86400, "day": 86400, "w": 604800, "week": 604800}
_DURATION = re.compile(r"(\d+)\s*([a-z]+?)s?(?=\s|\d|,|$)")


def match_spec(name: str, value: Any) -> str:
    """Return the match spec of a dependency; ValueError or TypeError if flowlock does not support it."""
    if isinstance(value, str):
        return _with_version(name, value)
    if not isinstance(value, Mapping):
        raise TypeError(f"`{name}` must be a version or a table")
    details = {key: item for key, item in value.items() if key != "version"}
    for key in details:
        if key in SOURCES:
            raise ValueError(f"`{name}` is a source package (`{key}`), which flowlock cannot lock")
        if key not in _BRACKETS:
            raise ValueError(f"`{name}` has the unknown key `{key}`")
    spec = _with_version(name, str(value.get("version", "*")))
    brackets = [f"{_BRACKETS[key]}={_bracketed(key, item)}" for key, item in details.items()]
    return f"{spec}[{', '.join(brackets)}]" if brackets else spec


def is_local(channel: str) -> bool:
    """Return whether a channel is a local folder: a file URL or a path."""
    return channel.lower().startswith("file:") or _FOLDER.match(channel) is not None


def _with_version(name: str, version: str) -> str:
    text = version.strip()
    if not text:
        raise ValueError(f"`{name}` has an empty version")
    return name if text == "*" else f"{name} {text}"


def _bracketed(key: str, value: Any) -> str:
    if key == "extras" and isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    if not isinstance(value, str | int) or '"' in str(value):
        raise ValueError(f"`{key}` must be a string without quotation marks")
    if key == "channel" and is_local(str(value)):
        raise ValueError(f"the channel `{value}` is a local folder, and a lock must not name a local folder")
    return f'"{channel_url(str(value)) if key == "channel" else value}"'


def cutoff(value: Any, now: datetime) -> int:
    """Return the time of an `exclude-newer` in milliseconds: a day (its end), an instant, or how long ago."""
    if not isinstance(value, str):
        raise TypeError("a cutoff must be a string: a date, a time, or a duration such as `7d`")
    text = value.strip()
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(days=1)
    elif re.match(r"\d{4}-", text):
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    else:
        moment = now - _duration(text.lower())
    return int(moment.timestamp() * 1000)


def _duration(text: str) -> timedelta:
    parts = _DURATION.findall(text)
    rest = _DURATION.sub("", text).strip(" ,")
    if not parts or rest or any(unit not in _UNITS for _, unit in parts):
        raise ValueError(f"`{text}` is not a date, a time or a duration")
    return timedelta(seconds=sum(int(number) * _UNITS[unit] for number, unit in parts))


def refusal_code(error: Exception, value: Any) -> str:
    """Return the code of a dependency that is refused: a source package, another kind of value, or a key."""
    if isinstance(value, dict) and any(part in value for part in SOURCES):
        return "FL613"
    return "FL616" if isinstance(error, TypeError) else "FL612"
