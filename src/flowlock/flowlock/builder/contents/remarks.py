"""What a build reports about its package: files left out, names that not all can have."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from flowlock.builder.contents import portable_names
from flowlock.builder.contents.shipped import ROUTINE, ExcludedFile, ExclusionReason
from flowlock.conda.noarch import Noarch
from flowlock.errors import Problem, Severity, shortened

SHOWN = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Remarks:
    """Every file that does not ship, and the warnings about a package."""

    left_out: tuple[ExcludedFile, ...] = ()
    warnings: tuple[Problem, ...] = ()

    @classmethod
    def of(
        cls, package: str, paths: Iterable[str], left_out: Sequence[ExcludedFile], noarch: Noarch | None
    ) -> Self:
        """Return the remarks on a package that holds these paths."""
        warnings = _omissions(package, left_out)
        if noarch:
            warnings += portable_names.warnings(package, paths)
        return cls(left_out=tuple(left_out), warnings=tuple(warnings))

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Return the remarks that `as_json` wrote."""
        return cls(
            left_out=tuple(
                ExcludedFile(path=entry["path"], reason=ExclusionReason(entry["reason"]))
                for entry in document["left_out"]
            ),
            warnings=tuple(
                _warning(entry["code"], entry["message"], entry["hint"]) for entry in document["warnings"]
            ),
        )

    def as_json(self) -> dict[str, Any]:
        """Return {"left_out": [{path, reason}], "warnings": [{code, message, file, line, column, hint}]}."""
        return {
            "left_out": [{"path": file.path, "reason": str(file.reason)} for file in self.left_out],
            "warnings": [warning.as_json() for warning in self.warnings],
        }


NO_REMARKS = Remarks()


def _omissions(package: str, left_out: Iterable[ExcludedFile]) -> list[Problem]:
    """Return a warning for each reason that is not every build's."""
    paths: dict[ExclusionReason, list[str]] = {}
    for file in left_out:
        if file.reason not in ROUTINE:
            paths.setdefault(file.reason, []).append(file.path)
    return [_omission(package, reason, names) for reason, names in paths.items()]


def _omission(package: str, reason: ExclusionReason, paths: Sequence[str]) -> Problem:
    message = f"{package} is built without {shortened(paths, SHOWN)}: {reason}"
    hint = (
        "remove the files in the build script if the package does not "
        "need them, or install them under another name"
    )
    return _warning("FL515", message, hint)


def _warning(code: str, message: str, hint: str) -> Problem:
    return Problem(code=code, message=message, hint=hint, severity=Severity.WARNING)
