"""Which call comes next: pure rules over a plan, without values, time or threads."""

from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush

from flowlock_core.execute.context import Position
from flowlock_core.execute.plan import Plan, refs_in

# Behind the position of every call.
_NOWHERE: Position = (2**63, 0)


class Schedule:
    """The calls of a plan that may start, in plan order; updated when calls end.

    A call is named by the numbers of its step in the plan and of the call in the step. A step has one call
    until `opened` says how many it has. After a failure no call behind it is started, unless `keep_going`:
    then the steps that need the failed one do not run, and all others do.
    """

    def __init__(self, plan: Plan, *, keep_going: bool = False) -> None:
        numbers = {step.id: number for number, step in enumerate(plan.steps)}
        needs = [sorted(set(map(numbers.__getitem__, step.dependencies()))) for step in plan.steps]
        self._init(needs, [numbers[needed] for needed in refs_in(plan.result)], keep_going=keep_going)

    def _init(self, needs: Sequence[Sequence[int]], results: Iterable[int], *, keep_going: bool) -> None:
        self._needs = needs
        self._users: list[list[int]] = [[] for _ in needs]
        for number, needed in enumerate(needs):
            for dependency in needed:
                self._users[dependency].append(number)
        self._waits_for = [len(needed) for needed in needs]
        # The caller uses the result of the workflow after the last step.
        self._uses = [len(users) for users in self._users]
        for number in results:
            self._uses[number] += 1
        self._counts = [1] * len(needs)
        self._started = [0] * len(needs)
        self._keep_going = keep_going
        self.not_run: set[int] = set()
        self.limit = _NOWHERE
        # Numbers in order are a heap already.
        self._ready = [number for number, count in enumerate(self._waits_for) if not count]

    def take(self) -> Position | None:
        """Return the first call in plan order that may start now, and count it as started."""
        ready = self._ready
        if not ready:
            return None
        step = ready[0]
        index = self._started[step]
        position = (step, index)
        if position >= self.limit:
            return None
        self._started[step] = index + 1
        if index + 1 >= self._counts[step]:
            heappop(ready)
        return position

    def opened(self, step: int, count: int) -> None:
        """Set the number of calls of a step; the first one has been taken."""
        self._counts[step] = count
        if count > 1:
            heappush(self._ready, step)

    def failed(self, position: Position) -> None:
        """Record that a call has failed."""
        if not self._keep_going:
            self.limit = min(self.limit, position)

    def finished(self, step: int, *, ok: bool) -> list[int]:
        """Record that all calls of a step have ended; return the steps whose results are no longer needed."""
        if not ok:
            return self._ended_badly(step)
        for user in self._users[step]:
            self._waits_for[user] -= 1
            if not self._waits_for[user] and user not in self.not_run:
                heappush(self._ready, user)
        released = self._released_by(step)
        if not self._uses[step]:
            released.append(step)
        return released

    def _ended_badly(self, step: int) -> list[int]:
        released = self._released_by(step)
        if self._keep_going:
            for follower in self.followers(step):
                if follower not in self.not_run:
                    self.not_run.add(follower)
                    released += self._released_by(follower)
        return released

    def _released_by(self, step: int) -> list[int]:
        released = []
        for needed in self._needs[step]:
            self._uses[needed] -= 1
            if not self._uses[needed]:
                released.append(needed)
        return released

    def followers(self, step: int) -> Iterator[int]:
        """Yield the steps that need the result of one, directly or through others."""
        followers: set[int] = set()
        pending = list(self._users[step])
        while pending:
            number = pending.pop()
            if number not in followers:
                followers.add(number)
                pending += self._users[number]
                yield number
