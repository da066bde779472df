"""docs/tutorial.md, followed to the letter with the flowlock of this checkout."""

import sys
from pathlib import Path

from tutorial import follow


def test_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    home = tmp_path / "héme"
    home.mkdir()
    follow(home, Path(sys.executable).parent)
