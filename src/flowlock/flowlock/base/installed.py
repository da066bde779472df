"""Our distributions of the running installation as wheels: what workflows require need not be on an index."""

import base64
import hashlib
import io
import zipfile
from collections.abc import Collection, Iterator, Mapping
from importlib.metadata import Distribution
from importlib.util import find_spec
from pathlib import Path

from flowlock.edges import files
from flowlock.edges.distributions import installed
from flowlock.errors import FlowlockError
from flowlock.names import TASK_GROUP, import_name

# What registers tasks, or subcommands of workflows, is made for workflows.
GROUPS = (TASK_GROUP, "flowlock.commands")
# What of a dist-info says how it was installed here, not what it is; RECORD is written again.
LOCAL = frozenset(("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json"))
_WHEEL = "Wheel-Version: 1.0\nGenerator: flowlock\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
# The earliest time that a zip archive can hold.
_TIME = (1980, 1, 1, 0, 0, 0)


def wheels(wanted: Collection[str], folder: Path) -> dict[str, Path]:
    """Write a wheel of each wanted distribution that is installed here and registers something in GROUPS.

    `wanted` and the keys are PEP 503 names. A wheel is in a folder named by its digest, so the same path
    has the same bytes for ever.
    """
    files_by_name: dict[str, Path] = {}
    for name, distribution in installed().items():
        if name in wanted and distribution.entry_points.groups.intersection(GROUPS):
            data = _archive(_contents(distribution))
            file = f"{name.replace('-', '_')}-{distribution.version}-py3-none-any.whl"
            files_by_name[name] = folder / hashlib.sha256(data).hexdigest() / file
            if not files_by_name[name].is_file():
                files.write_bytes(files_by_name[name], data)
    return files_by_name


def _contents(distribution: Distribution) -> dict[str, bytes]:
    """Return a wheel's members: the import packages of its entry points, and the metadata."""
    name = import_name(distribution.metadata["Name"])
    info = f"{name}-{distribution.version}.dist-info"
    tops = {point.value.partition(":")[0].partition(".")[0] for point in distribution.entry_points}
    members = {path: data for top in sorted(tops) for path, data in _package(top)}
    for file in distribution.files or ():
        if file.parent.name.endswith(".dist-info") and file.name not in LOCAL:
            members[f"{info}/{file.name}"] = file.read_binary()
        elif ".dist-info/licenses/" in file.as_posix():
            members[f"{info}/licenses/{file.name}"] = file.read_binary()
    return {**members, f"{info}/WHEEL": _WHEEL.encode(), f"{info}/RECORD": _record(members, info)}


def _package(name: str) -> Iterator[tuple[str, bytes]]:
    """Yield an import package's files, from where the import system finds it, editable or not."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise FlowlockError(
            f"the installed package {name} cannot be found",
            code="FL416",
            hint="install it again; its metadata still exists",
        )
    for root in map(Path, spec.submodule_search_locations):
        for path in sorted(root.rglob("*")):
            relative = path.relative_to(root)
            if path.is_file() and "__pycache__" not in relative.parts:
                yield f"{name}/{relative.as_posix()}", files.read_bytes(path)


def _record(members: Mapping[str, bytes], info: str) -> bytes:
    def row(path: str, data: bytes) -> str:
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        return f"{path},sha256={digest},{len(data)}\n"

    wheel = row(f"{info}/WHEEL", _WHEEL.encode())
    return "".join(
        [*(row(path, data) for path, data in members.items()), wheel, f"{info}/RECORD,,\n"]
    ).encode()


def _archive(members: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in members.items():
            member = zipfile.ZipInfo(path, _TIME)
            member.external_attr = 0o644 << 16
            archive.writestr(member, data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()
