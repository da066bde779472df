"""`flowlock explain CODE`: describe a problem code, with an example and a fix."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowlock.errors import UsageError, nearest
from flowlock.report.explanations import Explanation, explanations


@dataclass(frozen=True, kw_only=True, slots=True)
class ExplainResult:
    """The requested explanations; `whole` shows each completely, otherwise one line each."""

    explanations: tuple[Explanation, ...]
    whole: bool

    @property
    def ok(self) -> bool:
        """An explanation is always successful."""
        return True

    def as_json(self) -> Mapping[str, Any]:
        """Return {"codes": [{code, meaning, section}]}; the section is Markdown."""
        codes = [
            {"code": explanation.code, "meaning": explanation.meaning, "section": explanation.section}
            for explanation in self.explanations
        ]
        return {"codes": codes}

    def as_text(self) -> str:
        """Return each section under its code, or the list of codes."""
        if not self.whole:
            return "\n".join(f"{listed.code}  {listed.meaning}" for listed in self.explanations)
        sections = []
        for explanation in self.explanations:
            # Code fences and `**` are for viewers of Markdown.
            lines = [line for line in explanation.section.splitlines() if not line.startswith("```")]
            plain = "\n".join(lines).replace("**", "")
            sections.append(f"{explanation.code}\n\n{plain}")
        return "\n\n".join(sections)


def explain(code: str | None) -> ExplainResult:
    """Explain one code, in either case; without one, list all of them."""
    by_code = explanations()
    if code is None:
        return ExplainResult(explanations=tuple(by_code.values()), whole=False)
    wanted = code.strip().upper()
    if wanted not in by_code:
        hints = [nearest(wanted, list(by_code)), "`flowlock explain` lists the codes"]
        raise UsageError(
            f"`{code}` is not a problem code", code="FL002", hint=" ".join(hint for hint in hints if hint)
        )
    return ExplainResult(explanations=(by_code[wanted],), whole=True)
