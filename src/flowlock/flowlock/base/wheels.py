"""Wheels from a package index: uv says which, we download them once."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.tags import Tag, compatible_tags, cpython_tags, platform_tags
from packaging.utils import parse_wheel_filename

from flowlock.base.interpreter import Interpreter
from flowlock.documents import toml
from flowlock.edges import memo, process
from flowlock.edges.downloads import Pin
from flowlock.edges.memo import digest_of
from flowlock.errors import FlowlockError
from flowlock.names import Sha256

PINS = "pins"
# Raised when a resolution is kept in another form, or asked for in another way.
SCHEMA = 1
# What uv says when it has no folder to write its cache to.
_NO_CACHE = "Failed to initialize cache"
# What it says when it is the network that fails, and not the requirements.
_NETWORK = ("error sending request", "Failed to fetch", "dns error", "tcp connect error", "timed out")


def resolve(
    requirements: Sequence[str], python: Interpreter, *, kept: Path, root: Path, offline: bool
) -> list[Pin]:
    """Return the wheels that satisfy the requirements, and theirs, for an interpreter.

    A resolution is kept in `kept` by what it was made of, so that asking again needs no network. uv is run in
    `root`: it finds the project's and the user's index configuration itself.
    """
    inputs = [SCHEMA, sorted(set(requirements)), python.environment, version("uv")]
    key = digest_of(inputs)
    path = kept / f"{key}.json"
    pins = _kept(path)
    if pins is not None:
        return pins
    if offline:
        raise FlowlockError(
            "these requirements were never resolved here, and --offline forbids to ask an index",
            code="FL413",
            hint="run `flowlock base` once without --offline",
        )
    pins = _pins(_uv(requirements, python, root), python, root)
    memo.write(path, {PINS: [asdict(pin) for pin in pins]})
    return pins


def _kept(path: Path) -> list[Pin] | None:
    """Return a resolution that was kept; one that cannot be read is as good as none."""
    kept = memo.read(path, dict[str, list[Pin]])
    return kept.get(PINS) if kept else None


def _uv(requirements: Sequence[str], python: Interpreter, root: Path) -> str:
    from uv import find_uv_bin

    command = [find_uv_bin(), "pip", "compile", "-", "--quiet", "--no-header", "--no-annotate"]
    command += ["--only-binary", ":all:", "--format", "pylock.toml", "--python", str(python.executable)]
    text = "\n".join(requirements) + "\n"
    done = process.run(command, cwd=root, stdin=text, check=False)
    if _NO_CACHE in done.stderr:
        # The home directory is read-only, say, or there is none.
        done = process.run([*command, "--no-cache"], cwd=root, stdin=text, check=False)
    if done.returncode == 0:
        return done.stdout
    if any(sign in done.stderr for sign in _NETWORK):
        raise FlowlockError(
            "the package index cannot be reached",
            code="FL412",
            hint="check the network, the proxy and uv's index settings, then run the same command again",
            kept="what was made before is as it was",
            detail=done.stderr.strip(),
        )
    raise FlowlockError(
        "the requirements have no solution in wheels",
        code="FL411",
        hint=f"loosen a requirement, or use another Python than {python.version}",
        kept="what was made before is as it was",
        detail=done.stderr.strip(),
    )


def _pins(lock: str, python: Interpreter, root: Path) -> list[Pin]:
    """Return the best wheel of each package in uv's lock (PEP 751)."""
    packages: list[Mapping[str, Any]] = toml.read(lock, "uv's lock", code="FL411").data.get("packages", [])
    rank = _rank(python)
    return [_best(package, rank, root) for package in packages]


def _rank(python: Interpreter) -> dict[Tag, int]:
    """Return the interpreter's wheel tags in its order of preference."""
    major, minor = map(int, python.series.split("."))
    platforms = list(platform_tags())
    compiled = cpython_tags((major, minor), platforms=platforms)
    pure = compatible_tags((major, minor), python.tag, platforms)
    return {tag: place for place, tag in enumerate([*compiled, *pure])}


def _best(package: Mapping[str, Any], rank: Mapping[Tag, int], root: Path) -> Pin:
    """Return the wheel whose tag comes first, and of two such the one that needs no download."""
    archives = [package["archive"]] if "archive" in package else package.get("wheels", [])
    pins = [_pin(archive, root) for archive in archives]
    places = {
        pin: min((rank[tag] for tag in parse_wheel_filename(pin.file)[3] if tag in rank), default=None)
        for pin in pins
        if pin.file.endswith(".whl")
    }
    fitting = [
        (place, not pin.url.startswith("file:"), pin.url)
        for pin, place in places.items()
        if place is not None
    ]
    if not fitting:
        raise FlowlockError(
            f"{package['name']} {package.get('version', '')} has no wheel for this interpreter",
            code="FL415",
            hint="require a version that has one",
        )
    return next(pin for pin in pins if pin.url == min(fitting)[2])


def _pin(archive: Mapping[str, Any], root: Path) -> Pin:
    url = archive.get("url") or (root / archive["path"]).resolve().as_uri()
    file = archive.get("name") or unquote(urlsplit(url).path.rsplit("/", 1)[-1])
    return Pin(file=file, url=url, sha256=Sha256(archive["hashes"]["sha256"]))
