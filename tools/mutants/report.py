"""Whether enough mutants of a module are killed, and whether the list of the others is right. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from tools.mutants.known import Excuse, Known
from tools.mutants.trial import Outcome

GOAL = 0.85


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The outcome of each mutant of a module by its key, beside what is known of the survivors."""

    module: str
    outcomes: Mapping[str, Outcome]
    known: Known

    @property
    def killed(self) -> int:
        """The number of mutants that a test found, or that run for ever as the list says."""
        loops = self._keys(self.known.loops)
        return sum(_is_killed(key, outcome, loops) for key, outcome in self.outcomes.items())

    @property
    def ok(self) -> bool:
        """Whether enough mutants are killed and each of the others is listed."""
        return self.killed >= GOAL * len(self.outcomes) and not self.unlisted

    @property
    def unlisted(self) -> list[str]:
        """The mutants that are not killed and not listed."""
        loops = self._keys(self.known.loops)
        alive = [key for key, outcome in self.outcomes.items() if not _is_killed(key, outcome, loops)]
        return [key for key in alive if key not in self._keys(self.known.survivors)]

    @property
    def outdated(self) -> list[str]:
        """The mutants that are listed, but are killed or no longer exist."""
        listed = self._keys(self.known.survivors)
        return [key for key in sorted(listed) if self.outcomes.get(key, Outcome.KILLED) is Outcome.KILLED]

    def as_text(self) -> str:
        """Return the share of killed mutants, and below it what is wrong with the list."""
        share = self.killed / max(1, len(self.outcomes))
        lines = [f"{self.module}: {self.killed} of {len(self.outcomes)} killed, {share:.0%}; goal {GOAL:.0%}"]
        lines += [f"  {self.outcomes[key]}, not listed: {key}" for key in self.unlisted]
        lines += [f"  listed, but killed or gone: {key}" for key in self.outdated]
        return "\n".join(lines)

    def _keys(self, excuses: tuple[Excuse, ...]) -> set[str]:
        return {excuse.mutant for excuse in excuses if excuse.module == self.module}


def _is_killed(key: str, outcome: Outcome, loops: set[str]) -> bool:
    return outcome is Outcome.KILLED or (outcome is Outcome.TIMED_OUT and key in loops)
