"""A real browser that can reach no other machine: what a page shows in it, and what it complains about."""

import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from shared import require_part

BROWSER = shutil.which("chromium")
OPTIONS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync
    --enable-unsafe-swiftshader --hide-scrollbars --disable-background-networking --disable-component-update
    --enable-logging=stderr --virtual-time-budget=10000"""
DARK = ("--force-dark-mode", "--blink-settings=preferredColorScheme=0")
# Whatever is asked for by name does not exist.
NOWHERE = "--host-resolver-rules=MAP * ~NOTFOUND"
# A page that keeps a browser busy for ever fails.
SECONDS = 300
# Where WebGL is drawn by software, taking the picture is slow, and the driver says so.
SLOW_PICTURE = "GL Driver Message (OpenGL, Performance"


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """How many pixels of each colour a page shows, what the console had, and the picture of it."""

    picture: Path
    pixels: Counter[tuple[int, int, int]]
    complaints: tuple[str, ...]


def opened(page: Path, folder: Path, *options: str, size: tuple[int, int] = (1360, 800)) -> Opened:
    require_part(found=BROWSER is not None, part="chromium")
    from PIL import Image

    picture = folder / "picture.png"
    command = [
        *(BROWSER or "chromium", *OPTIONS.split(), NOWHERE, f"--user-data-dir={folder / 'profile'}"),
        *(f"--window-size={size[0]},{size[1]}", *options, f"--screenshot={picture}", page.as_uri()),
    ]
    environment = {"HOME": str(folder), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment, timeout=SECONDS
    )
    said = [
        line
        for line in done.stderr.splitlines()
        if ("CONSOLE" in line or "ERR_" in line) and SLOW_PICTURE not in line
    ]
    with Image.open(picture) as image:
        colors = image.convert("RGB").getcolors(2**24)
    return Opened(
        picture=picture, pixels=Counter({color: count for count, color in colors}), complaints=tuple(said)
    )
