"""Wheels from a package index, as uv resolves them; each is downloaded once."""

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
from flowlock.edges.downloads import PinnedFile
from flowlock.edges.memo import digest_of
from flowlock.errors import FlowlockError
from flowlock.names import Sha256

PINS = "pins"
# To be raised when the form of a kept resolution, or the way in which uv is called, changes.
SCHEMA = 1
# uv prints this when it cannot write to its cache folder.
_NO_CACHE = "Failed to initialize cache"
# uv prints one of these when the network fails, rather than the requirements.
_NETWORK = ("error sending request", "Failed to fetch", "dns error", "tcp connect error", "timed out")


def resolve(
    requirements: Sequence[str], python: Interpreter, *, kept: Path, root: Path, offline: bool
) -> list[PinnedFile]:
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
            "these requirements have not been resolved yet, and --offline "
            "does not allow access to the package index",
            code="FL413",
            hint="run `flowlock base` once without --offline",
        )
    pins = _pins(_uv(requirements, python, root), python, root)
    memo.write(path, {PINS: [asdict(pin) for pin in pins]})
    return pins


def _kept(path: Path) -> list[PinnedFile] | None:
    """Return a kept resolution, None if no resolution can be read."""
    kept = memo.read(path, dict[str, list[PinnedFile]])
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
            hint="check the network, the proxy and the index settings of uv, then run the same command again",
            kept="the previous base channel, unchanged",
            detail=done.stderr.strip(),
        )
    raise FlowlockError(
        "no set of wheels satisfies the requirements",
        code="FL411",
        hint=f"relax a requirement, or use a Python other than {python.version}",
        kept="the previous base channel, unchanged",
        detail=done.stderr.strip(),
    )


def _pins(lock: str, python: Interpreter, root: Path) -> list[PinnedFile]:
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
    return {tag: position for position, tag in enumerate([*compiled, *pure])}


def _best(package: Mapping[str, Any], rank: Mapping[Tag, int], root: Path) -> PinnedFile:
    """Return the wheel with the preferred tag, and of two such wheels the one that needs no download."""
    candidates = []
    for archive in _archives(package):
        pin = _pin(archive, root)
        position = _position(pin, rank)
        if position is not None:
            candidates.append((position, not pin.url.startswith("file:"), pin.url, pin))
    if not candidates:
        raise FlowlockError(
            f"{package['name']} {package.get('version', '')} has no wheel for this interpreter",
            code="FL415",
            hint="require a version that has a wheel for it",
        )
    *_, best = min(candidates, key=lambda candidate: candidate[:3])
    return best


def _archives(package: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the files of a package in the lock: one archive that is pinned directly, or all wheels."""
    if "archive" in package:
        return [package["archive"]]
    wheels: Sequence[Mapping[str, Any]] = package.get("wheels", [])
    return wheels


def _position(pin: PinnedFile, rank: Mapping[Tag, int]) -> int | None:
    """Return the position of a wheel's best tag, None if it is not a wheel for the interpreter."""
    if not pin.file.endswith(".whl"):
        return None
    tags = parse_wheel_filename(pin.file)[3]
    return min((rank[tag] for tag in tags if tag in rank), default=None)


def _pin(archive: Mapping[str, Any], root: Path) -> PinnedFile:
    url = archive.get("url") or (root / archive["path"]).resolve().as_uri()
    file = archive.get("name") or unquote(urlsplit(url).path.rsplit("/", 1)[-1])
    return PinnedFile(file=file, url=url, sha256=Sha256(archive["hashes"]["sha256"]))
