"""Where calls are executed: in the thread of the scheduler, in several, or in several processes."""

from flowlock_core.execute.pools.inline import InlinePool
from flowlock_core.execute.pools.threads import ThreadPool

__all__ = ["InlinePool", "ThreadPool"]
