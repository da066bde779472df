"""A real browser that can reach no other machine: what a page shows in it, and what it complains about."""

import io
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servers.browser import chromium

# Whatever is asked for by name does not exist; WebGL is drawn by software.
ARGUMENTS = ("--host-resolver-rules=MAP * ~NOTFOUND", "--enable-unsafe-swiftshader")
# Where WebGL is drawn by software, taking the picture is slow, and the driver says so.
SLOW_PICTURE = "GL Driver Message (OpenGL, Performance"
SECONDS, PAUSE = 120, 500

Color = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """How many pixels of each colour a page shows, what the console had, and the picture of it."""

    picture: bytes
    pixels: Counter[Color]
    complaints: tuple[str, ...]


def opened(
    page: Path, colors: Collection[Color], *, dark: bool = False, size: tuple[int, int] = (1360, 800)
) -> Opened:
    """Return what a page shows as soon as it has all the colours, and two pictures in a row are equal.

    A page that is not drawn in time is returned as it is.
    """
    complaints: list[str] = []
    with chromium(*ARGUMENTS) as browser:
        viewport = {"width": size[0], "height": size[1]}
        tab = browser.new_page(viewport=viewport, color_scheme="dark" if dark else "light")
        tab.set_default_timeout(SECONDS * 1000)
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("requestfailed", lambda request: complaints.append(f"{request.url}: {request.failure}"))
        tab.goto(page.as_uri())
        picture = _drawn(tab, colors)
    said = [complaint for complaint in complaints if SLOW_PICTURE not in complaint]
    return Opened(picture=picture, pixels=pixels_of(picture), complaints=tuple(said))


def _drawn(tab: Any, colors: Collection[Color]) -> bytes:
    until, before = time.monotonic() + SECONDS, b""
    while time.monotonic() < until:
        picture: bytes = tab.screenshot()
        if picture == before and all(pixels_of(picture)[color] for color in colors):
            return picture
        before = picture
        tab.wait_for_timeout(PAUSE)
    return before


def pixels_of(picture: bytes) -> Counter[Color]:
    """Return how many pixels of each colour a PNG has."""
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as image:
        return Counter({color: count for count, color in image.convert("RGB").getcolors(2**24)})
