"""`flowlock completion`: the script of a shell."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class CompletionScript:
    """A script that a shell evaluates."""

    shell: str
    script: str
    ok: bool = True

    def as_json(self) -> Mapping[str, Any]:
        """Return {"shell", "script"}."""
        return {"shell": self.shell, "script": self.script}

    def as_text(self) -> str:
        """Return the script."""
        return self.script
