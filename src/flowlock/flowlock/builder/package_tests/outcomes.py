"""Which artifacts passed their tests in which environments; of failures nothing is kept."""

from collections.abc import Collection
from pathlib import Path

from flowlock.edges import memo

# What is kept of a package: the digest of what decided, and the outcome.
OUTCOME_PARTS = 2


class OutcomeCache:
    """The outcomes of tests: passes by artifact and environment, and each package's last outcome.

    The last outcome is kept with the digest of all that decides it, so that a build that has nothing to do
    need not resolve an environment to know it.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._changed = path, False
        kept = memo.read(path, dict[str, dict[str, list[str]]]) or {}
        self._passed, self._last = kept.get("passed", {}), kept.get("outcomes", {})

    def last(self, name: str, inputs: str) -> str | None:
        """Return the outcome of a package's tests for these inputs, None if it has to be found out."""
        last = self._last.get(name, [])
        return last[1] if len(last) == OUTCOME_PARTS and last[0] == inputs else None

    def keep_outcome(self, name: str, inputs: str, outcome: str) -> None:
        """Keep the outcome of a package's tests."""
        self._last[name], self._changed = [inputs, outcome], True

    def passed(self, artifact: str, environment: str) -> bool:
        """Return whether an artifact passed in an environment."""
        return environment in self._passed.get(artifact, [])

    def keep_pass(self, artifact: str, environment: str) -> None:
        """Keep that an artifact passed in an environment."""
        self._passed[artifact] = [*self._passed.get(artifact, []), environment]
        self._changed = True

    def save(self, names: Collection[str]) -> None:
        """Write what changed, without the outcomes of packages that are not among `names`."""
        if self._changed:
            outcomes = {name: last for name, last in self._last.items() if name in names}
            memo.write(self._path, {"passed": self._passed, "outcomes": outcomes})
