"""The same call on many items at once, ended early by the first that fails."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


def concurrently(
    function: Callable[[Item], Outcome], items: Iterable[Item], *, workers: int
) -> list[Outcome]:
    """Return the outcomes in the items' order; after a failure, what has not begun is not begun."""
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(function, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
