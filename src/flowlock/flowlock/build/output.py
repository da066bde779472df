"""`build --output`: a folder with the channel and a manifest of digests, to hand to another machine."""

import json
import shutil
from pathlib import Path

from flowlock import channel, files
from flowlock.errors import FlowlockError

MANIFEST = "manifest.json"
# In the form of sha256sum, for who receives the folder.
SUMS = "SHA256SUMS"


def write(folder: Path, source: Path) -> None:
    """Make the folder a copy of the channel: its artifacts, their digests as JSON, and those of all files.

    It takes the place of what an earlier call left there; any other folder that holds something is refused.
    """
    refuse_foreign(folder)
    listed = channel.entries(source)
    with files.staged_folder(folder.absolute()) as staging:
        shutil.copytree(source, staging, dirs_exist_ok=True)
        for entry in listed:
            if files.sha256_of(staging / entry.subdir / entry.file) != entry.sha256:
                raise FlowlockError(f"{entry.file} is damaged", code="FL605", hint="run `flowlock build`")
        packages = [
            {
                "name": entry.name,
                "version": entry.version,
                "build": entry.build,
                "subdir": entry.subdir,
                "file": entry.file,
                "sha256": entry.sha256,
                "size": entry.size,
            }
            for entry in listed
        ]
        text = json.dumps({"schema": 1, "packages": packages}, indent=2) + "\n"
        (staging / MANIFEST).write_text(text, encoding="utf-8")
        paths = sorted(path.relative_to(staging).as_posix() for path in staging.rglob("*") if path.is_file())
        sums = "".join(f"{files.sha256_of(staging / path)}  {path}\n" for path in paths)
        (staging / SUMS).write_text(sums, encoding="utf-8")


def refuse_foreign(folder: Path) -> None:
    """Refuse a folder that holds something and was not made here: all of it would be replaced."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if folder.is_dir() and (folder / MANIFEST).is_file() and (folder / SUMS).is_file():
        return
    what = "holds something else" if folder.is_dir() else "is a file"
    raise FlowlockError(f"{folder} {what}", code="FL550", hint="name a new folder, or empty this one")
