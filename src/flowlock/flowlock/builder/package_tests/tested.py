"""Which artifacts passed their tests in which environments; of failures nothing is kept."""

from collections.abc import Collection
from pathlib import Path

from flowlock.edges import memo

# A look is the inputs and the outcome.
LOOK_PARTS = 2


class Tested:
    """What is known of tests: passes by artifact and environment, and each package's last look.

    A look is how a package's tests stood when everything that decides was as it is now, so that a build that
    has nothing to do need not resolve an environment to know.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._changed = path, False
        kept = memo.read(path, dict[str, dict[str, list[str]]]) or {}
        self._passed, self._looks = kept.get("passed", {}), kept.get("looks", {})

    def look(self, name: str, inputs: str) -> str | None:
        """Return how a package's tests stand by what decides it now, None if that has to be found out."""
        look = self._looks.get(name, [])
        return look[1] if len(look) == LOOK_PARTS and look[0] == inputs else None

    def keep_look(self, name: str, inputs: str, outcome: str) -> None:
        """Keep how a package's tests stand."""
        self._looks[name], self._changed = [inputs, outcome], True

    def passed(self, artifact: str, environment: str) -> bool:
        """Say whether an artifact passed in an environment."""
        return environment in self._passed.get(artifact, [])

    def keep_pass(self, artifact: str, environment: str) -> None:
        """Keep that an artifact passed in an environment."""
        self._passed[artifact] = [*self._passed.get(artifact, []), environment]
        self._changed = True

    def save(self, names: Collection[str]) -> None:
        """Write what changed, without the looks at packages that are no more."""
        if self._changed:
            looks = {name: look for name, look in self._looks.items() if name in names}
            memo.write(self._path, {"passed": self._passed, "looks": looks})
