"""What can be wrong with the settings of a connection, before anybody connects."""

from flowlock_core.errors import Problem
from flowlock_core.masking import masked_problem


class SettingsError(Exception):
    """Settings that cannot be used: every problem, none of which shows a secret."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = tuple(map(masked_problem, problems))
        super().__init__("; ".join(problem.message for problem in self.problems))


def unreadable(message: str, *, hint: str | None = None) -> SettingsError:
    """Return the error of a connections file that cannot be read."""
    return SettingsError(Problem(code="FL750", message=message, hint=hint))
