"""`build --output`: a folder with the channel and a manifest of digests, to hand to another machine."""

import json
import shutil
from pathlib import Path

from flowlock import channel, files
from flowlock.errors import FlowlockError

MANIFEST = "manifest.json"


def write(folder: Path, source: Path) -> None:
    """Make the folder a copy of the channel, with each artifact's digest in its manifest.

    It takes the place of what an earlier call left there; any other folder that holds something is refused.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise FlowlockError(
            f"{folder} holds something else", code="FL550", hint="name a new folder, or empty this one"
        )
    listed = channel.entries(source)
    with files.staged_folder(folder.absolute()) as staging:
        shutil.copytree(source, staging, dirs_exist_ok=True)
        for entry in listed:
            if files.sha256_of(staging / entry.subdir / entry.file) != entry.sha256:
                raise FlowlockError(f"{entry.file} is damaged", code="FL601", hint="run `flowlock build`")
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
