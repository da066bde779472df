"""Start-up of `flowlock --help` beside a bare typer app with as many commands."""

import subprocess
import sys
import tempfile
from pathlib import Path

from bench._measure import print_table, side_by_side

GOAL = 1.15
BARE = """
import typer
app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
{commands}
if __name__ == "__main__":
    app()
"""
COMMAND = '''
@app.command()
def command_{number}(name: str = "", check: bool = False) -> None:
    """Do the thing number {number}."""
'''


def main() -> None:
    """Print the medians and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        bare = bare_app(Path(folder))
        ours = [sys.executable, "-m", "flowlock", "--help"]
        run = {
            "bare typer app": lambda: subprocess.run(
                [sys.executable, bare, "--help"], check=True, stdout=subprocess.DEVNULL
            ),
            "flowlock --help": lambda: subprocess.run(ours, check=True, stdout=subprocess.DEVNULL),
        }
        medians = side_by_side(run, repeat=15)
    floor = medians["bare typer app"]
    rows = [(name, value, value / floor, f"≤ {GOAL}") for name, value in medians.items()]
    print_table(("start-up", "seconds", "ratio", "goal"), rows)


def bare_app(folder: Path) -> Path:
    """Write a typer app with as many commands as flowlock has, and return its script."""
    from flowlock.cli import app

    commands = "".join(COMMAND.format(number=number) for number in range(len(app.registered_commands)))
    script = folder / "bare.py"
    script.write_text(BARE.format(commands=commands))
    return script
