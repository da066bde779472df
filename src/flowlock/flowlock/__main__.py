"""The command `flowlock`, also as `python -m flowlock`."""

import gc
import sys

# Most commands end quickly, whose objects nearly all come from imports: there is no garbage to look for.
gc.set_threshold(100_000)

from flowlock.cli import main  # noqa: E402 - what it imports must come after the line above

if __name__ == "__main__":
    sys.exit(main())
