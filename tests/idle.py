"""Commands that have nothing to do: whether they looked at anything, or repeated their last outcome."""

import os

from checkout import Checkout, Outcome


def repeated(done: Outcome) -> bool:
    """Return whether a command that was run with -v found that nothing has changed since the last one."""
    return "no input has changed since the last" in done.err


def idle(checkout: Checkout, *arguments: str) -> Outcome:
    """Run a command until it repeats its outcome: what the first runs write must be a moment old."""
    for _ in range(8):
        done = checkout.flowlock("-v", *arguments)
        assert done.code == 0, done.err
        if repeated(done):
            return done
    raise AssertionError(done.err)


def edited(checkout: Checkout, path: str, old: bytes, new: bytes) -> None:
    """Replace a text of the same length in a file and set its modification time back, as some tools do."""
    file = checkout.root / path
    before, data = file.stat(), file.read_bytes()
    assert old in data
    assert len(old) == len(new)
    file.write_bytes(data.replace(old, new, 1))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
