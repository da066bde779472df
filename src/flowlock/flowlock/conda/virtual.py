"""Platforms as pixi sees them: a subdir, a name, and the virtual packages that a solve assumes.

A virtual package is text as pixi.lock has it: `__name=version` or `__name=version=build`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flowlock.errors import nearest

_UNIX, _LINUX = "__unix=0=0", ("__linux=4.18", "__glibc=2.28")
_MACOS, _WINDOWS = "__osx=13.0", "__win=10.0"
# What pixi assumes for a subdir by default (its `pixi_default_versions`, and rattler's
# least microarchitecture of a subdir), in the order in which it writes them.
DEFAULTS: Mapping[str, tuple[str, ...]] = {
    "linux-64": (_UNIX, *_LINUX, "__archspec=0=x86_64"),
    "linux-aarch64": (_UNIX, *_LINUX, "__archspec=0=aarch64"),
    "osx-64": (_UNIX, _MACOS, "__archspec=0=x86_64"),
    "osx-arm64": (_UNIX, _MACOS, "__archspec=0=m1"),
    "win-64": (_WINDOWS, "__archspec=0=x86_64"),
}
# Keys of an inline platform, in the order in which they enter a derived name.
FRIENDLY = {
    "cuda": "__cuda",
    "archspec": "__archspec",
    "glibc": "__glibc",
    "linux": "__linux",
    "macos": "__osx",
    "windows": "__win",
}
_TABLE_KEYS = (*FRIENDLY, "osx", "name", "platform")
_LIBC = ("__glibc", "__musl", "__eglibc")
_SYSTEMS = {"linux": "__linux", "macos": "__osx", "cuda": "__cuda", "archspec": "__archspec"}
_BELONGS = {"__linux": "linux-", "__glibc": "linux-", "__musl": "linux-", "__osx": "osx-", "__win": "win-"}


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetPlatform:
    """A platform that an environment is locked for; `virtual_packages` are all of them, defaults included."""

    name: str
    subdir: str
    virtual_packages: tuple[str, ...]

    @property
    def declared(self) -> frozenset[str]:
        """The virtual packages that are not the subdir's defaults; pixi compares these only."""
        return declared(self.subdir, self.virtual_packages)


def declared(subdir: str, virtual_packages: Iterable[str]) -> frozenset[str]:
    """Return the virtual packages that differ from the subdir's defaults; a build of `0` may be left out."""
    defaults = frozenset(map(_without_zero_build, DEFAULTS.get(subdir, ())))
    return frozenset(map(_without_zero_build, virtual_packages)) - defaults


def _without_zero_build(package: str) -> str:
    name, _, rest = package.partition("=")
    version, _, build = rest.partition("=")
    return package if build not in ("", "0") else f"{name}={version}"


def target(subdir: str, packages: Iterable[str] = (), name: str | None = None) -> TargetPlatform:
    """Return a platform with these virtual packages and the subdir's other defaults, named as by pixi."""
    chosen = list(packages)
    names = {package.split("=")[0] for package in chosen}
    # A system has one C library: a declared one replaces the default.
    if names & set(_LIBC):
        names.update(_LIBC)
    chosen += [package for package in DEFAULTS[subdir] if package.split("=")[0] not in names]
    return TargetPlatform(
        name=name or _derived_name(subdir, declared(subdir, chosen)),
        subdir=subdir,
        virtual_packages=tuple(chosen),
    )


def checked_subdir(text: str) -> str:
    """Return a subdir that we lock for, or raise ValueError with the nearest one."""
    if text not in DEFAULTS:
        near = nearest(text, list(DEFAULTS))
        raise ValueError(f"unknown platform `{text}`" + (f"; {near}" if near else ""))
    return text


def from_table(table: Mapping[str, object]) -> TargetPlatform:
    """Return the platform of an inline table of `platforms`; raises ValueError with what is wrong."""
    for key in table:
        if key not in _TABLE_KEYS and not key.startswith("__"):
            raise ValueError(f"unknown key `{key}` in a platform")
    name = table.get("name")
    subdir = table.get("platform", name)
    if not isinstance(subdir, str) or not (name is None or isinstance(name, str)):
        raise ValueError("a platform needs `platform`, or a `name` that is a platform")
    platform = target(checked_subdir(subdir), _declared_in(table), name)
    if platform.name == platform.subdir and platform.declared:
        raise ValueError("a platform with virtual packages needs a `name` that differs from its subdir")
    return platform


def _declared_in(table: Mapping[str, object]) -> list[str]:
    """Return the virtual packages of an inline table: its short keys first, then keys such as `__glibc`."""
    # pixi takes `osx` for `macos`.
    values = {"macos": table.get("osx"), **table}
    packages = [
        _package_text(package, str(values[key]))
        for key, package in FRIENDLY.items()
        if values.get(key) is not None
    ]
    packages += [f"{key}={value}" for key, value in sorted(table.items()) if key.startswith("__")]
    return packages


def _package_text(name: str, value: str) -> str:
    """Return a virtual package; a microarchitecture is a build string, as in `__archspec=0=x86_64`."""
    return f"{name}=0={value}" if name == "__archspec" else f"{name}={value}"


def with_system_requirements(
    platform: TargetPlatform, tables: Iterable[Mapping[str, object]]
) -> TargetPlatform:
    """Return the platform with what `[system-requirements]` of an environment's features add, highest first.

    pixi migrates that table to platforms of this kind, with a derived name.
    """
    required = {
        name: _package_text(name, value) for name, value in _highest_versions(platform.subdir, tables).items()
    }
    current = {package.split("=")[0]: package for package in platform.virtual_packages}
    if required.items() <= current.items():
        return platform
    defaults = DEFAULTS[platform.subdir]
    declared_otherwise = [
        package for name, package in current.items() if name not in required and package not in defaults
    ]
    # A platform that is named after its subdir gets a derived name.
    name = None if platform.name == platform.subdir else platform.name
    return target(platform.subdir, [*required.values(), *declared_otherwise], name)


def _highest_versions(subdir: str, tables: Iterable[Mapping[str, object]]) -> dict[str, str]:
    """Return the highest version that any table requires of each virtual package of a subdir."""
    highest: dict[str, str] = {}
    for table in tables:
        for name, value in _required(table):
            if subdir.startswith(_BELONGS.get(name, "")):
                highest[name] = max(highest.get(name, value), value, key=_as_version)
    return highest


def _required(table: Mapping[str, object]) -> Iterable[tuple[str, str]]:
    for key, value in table.items():
        if key == "libc":
            libc = value if isinstance(value, Mapping) else {"version": value}
            yield f"__{libc.get('family', 'glibc')}", str(libc["version"])
        elif key in _SYSTEMS:
            yield _SYSTEMS[key], str(value)
        elif key != "unix":
            raise ValueError(f"unknown key `{key}` in system-requirements")


def _as_version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text))


def _derived_name(subdir: str, packages: Iterable[str]) -> str:
    """Return `<subdir>[-<key>-<value>…]`, keys in pixi's order, others by name."""
    values = {package.split("=")[0]: package.split("=")[-1] for package in packages}
    parts = [subdir]
    for key, package in FRIENDLY.items():
        if package in values:
            parts.append(f"{key}-{_segment(values.pop(package))}")
    parts += [f"{_segment(name.lstrip('_'))}-{_segment(value)}" for name, value in sorted(values.items())]
    return "-".join(parts)


def _segment(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")
