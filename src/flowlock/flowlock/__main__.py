"""The command `flowlock`, also as `python -m flowlock`."""

import gc
import os
import sys
from pathlib import Path
from typing import NoReturn

# Most commands end quickly, whose objects nearly all come from imports: there is no garbage to look for.
gc.set_threshold(100_000)

from flowlock import cli  # noqa: E402 - what it imports must come after the line above


def main() -> NoReturn:
    """Run the command line, and end the process without taking the interpreter apart.

    That would take as long as a short command takes, and crash where an engine's threads still use it: what
    they drop belongs to the interpreter. Nothing is lost, since commands close what they open.
    """
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        # What a caller has closed is not wanted.
        sys.stdout = sys.stdout or nowhere
        sys.stderr = sys.stderr or nowhere
        code = cli.main()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
