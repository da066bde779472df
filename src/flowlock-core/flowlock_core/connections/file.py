"""The file with the settings of connections: where it is, who may read it, and its contents."""

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flowlock_core.connections.problems import SettingsError, unreadable
from flowlock_core.documents.nodes import FaultKind, Node, Scalar, value_of
from flowlock_core.documents.nodes import Mapping as MappingNode
from flowlock_core.documents.yaml_text import read_yaml
from flowlock_core.errors import Location, Problem

VARIABLE = "FLOWLOCK_CONNECTIONS_FILE"
NAMES = ("connections.toml", "connections.yaml", "connections.yml")
LARGEST = 1_000_000
# Bits of a mode that let the group or everybody read, write or execute.
_OTHERS = 0o077
_TOML_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")
_TOML_HEADER = re.compile(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?")
_TOML_KEY = re.compile(r"\s*([\w\"'. -]+?)\s*=")
# A fault's own words may quote a value, which here may be a secret.
_FAULTS = {
    FaultKind.SYNTAX: "the connections file is not valid YAML here",
    FaultKind.REPEATED_KEY: "the connections file repeats a key",
    FaultKind.VALUE: "the connections file has a value that can be read in two ways: put it in quotes",
    FaultKind.DOCUMENTS: "the connections file has more than one document",
    FaultKind.SIZE: "the connections file is too large",
    FaultKind.CHARACTER: "the connections file has a character that YAML does not allow",
    FaultKind.KEY: "the connections file has a key that is not a string",
}

KeyPath = tuple[str, ...]
Settings = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionsFile:
    """The sections of a file, by kind and name, and where their keys stand as far as that is known."""

    path: Path
    sections: Mapping[str, Mapping[str, Settings]] = field(default_factory=dict)
    places: Mapping[KeyPath, Location] = field(default_factory=dict)

    def section(self, kind: str, name: str) -> Settings:
        """Return the settings that the file has for a connection."""
        return self.sections.get(kind, {}).get(name, {})

    def place(self, kind: str, name: str, setting: str | None = None) -> Location:
        """Return where a setting stands, or its section, or at least in which file."""
        path: KeyPath = (kind, name) if setting is None else (kind, name, setting)
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path) or Location(file=str(self.path))


def find_file(environ: Mapping[str, str]) -> Path | None:
    """Return the file that the environment names, or the one in the user's configuration folder, if any."""
    named = environ.get(VARIABLE)
    if named:
        return _expanded(named)
    folder = configuration_folder(environ)
    if folder is None:
        return None
    there = [folder / name for name in NAMES if (folder / name).exists()]
    if len(there) > 1:
        names = " and ".join(path.name for path in there)
        raise unreadable(
            f"{folder} has {names}: flowlock cannot tell which one to use",
            hint="put all connections into one file",
        )
    return there[0] if there else None


def _expanded(text: str) -> Path:
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:
        hint = f"set {VARIABLE} to an absolute path"
        raise unreadable(f"the home folder in {text} is unknown", hint=hint) from error


def configuration_folder(environ: Mapping[str, str]) -> Path | None:
    """Return the folder `flowlock` of the user's configuration, None if the user has no home."""
    base = environ.get("APPDATA") if os.name == "nt" else environ.get("XDG_CONFIG_HOME")
    if base and Path(base).is_absolute():
        return Path(base) / "flowlock"
    home = environ.get("HOME") or environ.get("USERPROFILE")
    return Path(home) / ".config" / "flowlock" if home else None


def read_file(path: Path) -> ConnectionsFile:
    """Read a file; a SettingsError explains why it is refused, or where it is not what it should be."""
    _require_outside_of_repositories(path)
    text = _private_text(path)
    if path.suffix.lower() == ".toml":
        content, places = _toml(path, text)
    elif path.suffix.lower() in (".yaml", ".yml"):
        content, places = _yaml(path, text)
    else:
        raise unreadable(f"{path}: the suffix is neither .toml nor .yaml", hint="rename the file")
    _require_sections(path, content, places)
    return ConnectionsFile(path=path, sections=content, places=places)


def _require_outside_of_repositories(path: Path) -> None:
    """Refuse a file in a git repository, also one that a link leads to: it is committed or copied one day."""
    for folder in (*path.parents, *Path(os.path.realpath(path)).parents):
        if (folder / ".git").exists():
            raise SettingsError(
                Problem(
                    code="FL751",
                    message=f"the connections file {path} is inside the git repository {folder}",
                    hint="move it out of the repository, for example to ~/.config/flowlock/connections.toml",
                )
            )


def _private_text(path: Path) -> str:
    """Return the text of a regular file that only its owner can read, who is the user or root."""
    try:
        # Opening a pipe would wait for its other end.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        hint = f"check the path in {VARIABLE}" if isinstance(error, FileNotFoundError) else None
        raise unreadable(f"cannot read the connections file {path}: {error.strerror}", hint=hint) from error
    try:
        # What was opened is looked at: another file may have the name by now.
        _require_private(path, os.fstat(handle))
        with os.fdopen(handle, "rb", closefd=False) as stream:
            data = stream.read(LARGEST + 1)
    finally:
        os.close(handle)
    if len(data) > LARGEST:
        raise unreadable(f"the connections file {path} has more than {LARGEST:,} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # The error would hold the bytes of the file.
        raise unreadable(f"the connections file {path} is not in UTF-8", hint="save it as UTF-8") from None


def _require_private(path: Path, status: os.stat_result) -> None:
    refusal: tuple[str, str] | None = None
    if not stat.S_ISREG(status.st_mode):
        refusal = "is not a regular file", "set it to a file"
    elif os.name != "nt":
        # Windows has other rules of access, which are not looked at.
        if status.st_mode & _OTHERS:
            refusal = "can be read or changed by other users", f"chmod 600 {path}"
        elif status.st_uid not in (os.geteuid(), 0):
            refusal = "belongs to another user, who can read it", f"make it yours: chown $USER {path}"
    if refusal:
        words, hint = refusal
        raise SettingsError(Problem(code="FL751", message=f"the connections file {path} {words}", hint=hint))


def _yaml(path: Path, text: str) -> tuple[Any, dict[KeyPath, Location]]:
    tree = read_yaml(text, str(path))
    if tree.faults:
        raise SettingsError(
            *(
                Problem(code="FL750", message=_FAULTS[fault.kind], location=fault.location)
                for fault in tree.faults
            )
        )
    places: dict[KeyPath, Location] = {}
    _note_keys(tree.root, (), places)
    return value_of(tree.root) or {}, places


def _note_keys(node: Node | None, path: KeyPath, places: dict[KeyPath, Location]) -> None:
    if isinstance(node, MappingNode):
        for key, value in node.entries:
            inner = (*path, str(key.value))
            places[inner] = key.at
            if not isinstance(value, Scalar):
                _note_keys(value, inner, places)


def _toml(path: Path, text: str) -> tuple[Any, dict[KeyPath, Location]]:
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        place = _TOML_PLACE.search(str(error))
        line, column = (int(place[1]), int(place[2])) if place else (None, None)
        location = Location(file=str(path), line=line, column=column)
        # The error would hold the whole text in newer Pythons.
        message = "the connections file is not valid TOML here"
        raise SettingsError(Problem(code="FL750", message=message, location=location)) from None
    return content, _places_in_toml(path, text)


def _places_in_toml(path: Path, text: str) -> dict[KeyPath, Location]:
    """Return where keys stand that begin a line: tomllib does not tell. Of lines in a long text, too many."""
    places: dict[KeyPath, Location] = {}
    header: KeyPath = ()
    for number, line in enumerate(text.splitlines(), 1):
        opened, key = _TOML_HEADER.fullmatch(line), _TOML_KEY.match(line)
        if opened:
            header = _key_path(opened[1])
            found, column = header, opened.start(1)
        elif key:
            found, column = (*header, *_key_path(key[1])), key.start(1)
        else:
            continue
        for length in range(1, len(found) + 1):
            places.setdefault(found[:length], Location(file=str(path), line=number, column=column + 1))
    return places


def _key_path(text: str) -> KeyPath:
    """Return the parts of a dotted key."""
    return tuple(part.strip().strip("\"'") for part in text.split("."))


def _require_sections(path: Path, content: Any, places: Mapping[KeyPath, Location]) -> None:
    """Refuse what is not settings by name by kind."""
    hint = "write `[postgres.main]` in TOML, or `postgres: {main: {…}}` in YAML"
    wrong: list[KeyPath] = []
    if not isinstance(content, Mapping):
        wrong.append(())
    else:
        for kind, sections in content.items():
            if not isinstance(sections, Mapping):
                wrong.append((kind,))
                continue
            wrong += [(kind, name) for name, section in sections.items() if not isinstance(section, Mapping)]
    if wrong:
        raise SettingsError(
            *(
                Problem(
                    code="FL750",
                    message="the settings of a connection must be under its kind and its name",
                    location=places.get(one) or Location(file=str(path), line=1, column=1),
                    hint=hint,
                )
                for one in wrong
            )
        )
