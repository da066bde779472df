"""What a stream can show: colour, hyperlinks, a width; and texts as it shows them.

Colour is for terminals, off with NO_COLOR (https://no-color.org), on elsewhere with FORCE_COLOR. rich is only
imported where there is colour, because that takes as long as a short command.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from flowlock.report.styling import Part, fitted, parts

if TYPE_CHECKING:
    from rich.text import Text

NARROWEST, WIDEST = 60, 200
# Variables of terminals that show OSC 8 hyperlinks. Others may print the escape sequences.
_LINKING = ("KITTY_WINDOW_ID", "KONSOLE_VERSION", "WT_SESSION", "DOMTERM", "GHOSTTY_RESOURCES_DIR")
_LINKING_PROGRAMS = {"iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "rio"}
_FIRST_LINKING_VTE = 5000


def is_colored(stream: TextIO) -> bool:
    """Return whether a stream gets colour and weight."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "") not in {"", "0"}:
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def width_of(stream: TextIO) -> int | None:
    """Return the columns of a terminal, from 60 to 200; None for what is not one: lines stay whole there."""
    if not stream.isatty() and not is_colored(stream):
        return None
    columns = shutil.get_terminal_size(fallback=(0, 0)).columns
    return max(NARROWEST, min(columns, WIDEST)) if columns else None


def knows_links(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Return whether a stream is a terminal that is known to show hyperlinks."""
    if not stream.isatty() or not is_colored(stream):
        return False
    vte = environment.get("VTE_VERSION", "")
    return (
        any(environment.get(name) for name in _LINKING)
        or environment.get("TERM_PROGRAM") in _LINKING_PROGRAMS
        or (vte.isdecimal() and int(vte) >= _FIRST_LINKING_VTE)
    )


def shown(text: str, stream: TextIO) -> str:
    """Return a text as a stream shows it: in its width, and where it has them with colour and links."""
    if not is_colored(stream):
        return _in_width(text, stream)
    from rich.console import Console

    console = Console(file=stream, force_terminal=True, no_color=False, highlight=False)
    with console.capture() as captured:
        console.print(styled(text, stream), soft_wrap=True, end="")
    return captured.get()


def _in_width(text: str, stream: TextIO) -> str:
    width = width_of(stream)
    if width is None:
        return text
    return "\n".join(fitted(line, width) for line in text.split("\n"))


def styled(text: str, stream: TextIO) -> "Text":
    """Return a text in the width of a stream, with what it shows of styles and of links to existing files."""
    from rich.text import Text

    whole = Text()
    if not is_colored(stream):
        return whole.append(_in_width(text, stream))
    links = knows_links(stream, os.environ)
    for number, line in enumerate(_in_width(text, stream).split("\n")):
        if number:
            whole.append("\n")
        shown_line = Text(line)
        for part in parts(line):
            shown_line.stylize(_with_link(part) if links else part.style, part.start, part.end)
        whole.append_text(shown_line)
    return whole


def _with_link(part: Part) -> str:
    if part.file is None or not Path(part.file).exists():
        return part.style
    return f"{part.style} link {Path(part.file).absolute().as_uri()}"
