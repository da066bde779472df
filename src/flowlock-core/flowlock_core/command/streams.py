"""One JSON document on stdout, and nothing else, whatever imported code prints."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout


@contextmanager
def stdout_kept_clean() -> Iterator[None]:
    """Send what is printed in the block to stderr, also by code that is not Python and by processes."""
    sys.stdout.flush()
    out = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(out, 1)
        os.close(out)
