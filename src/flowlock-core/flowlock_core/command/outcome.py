"""What a subcommand of a workflow's command gives."""

from dataclasses import dataclass
from typing import Any

from flowlock_core.errors import ExitCode


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandOutcome:
    """What a command gives: the document that --json prints, and the same for people."""

    document: Any
    text: str
    code: ExitCode = ExitCode.DONE
