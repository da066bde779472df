"""What a build gives, and what `flowlock build` reports."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flowlock.builder.contents.remarks import NO_REMARKS, Remarks
from flowlock.conda.artifact import Artifact
from flowlock.report.problem_text import problem_text

# How the tests of a package stand that ran now, and that had passed already.
PASSED, PASSED_BEFORE = "passed", "passed before"


class BuildStatus(StrEnum):
    """How a package came to be in the channel; with --dry-run, how it would."""

    BUILT = "built"
    CACHED = "cached"
    CURRENT = "current"


@dataclass(frozen=True, kw_only=True, slots=True)
class JobResult:
    """What a worker made: the canonical archive's bytes; nothing if it ran tests, which passed."""

    data: bytes
    seconds: float
    remarks: Remarks = NO_REMARKS


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageResult:
    """One package's outcome; the artifact has no sha256 if a dry run only foresees the build.

    `tests` says how its own tests stand; it is empty if it has none, or if they were left out. `remarks` are
    those of the build that made the artifact, now or earlier.
    """

    artifact: Artifact
    status: BuildStatus
    seconds: float
    reason: str
    tests: str = ""
    remarks: Remarks = NO_REMARKS

    @property
    def name(self) -> str:
        """The package's name."""
        return self.artifact.name


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildResult:
    """The requested packages and their dependencies, in the order of building.

    `mended` indicates that the files of the channel did not match these packages and were written again.
    """

    packages: tuple[PackageResult, ...]
    dry_run: bool = False
    mended: bool = False

    @property
    def ok(self) -> bool:
        """Whether everything is built; what prevents that is raised."""
        return True

    @property
    def current(self) -> bool:
        """Whether nothing had to be done: every package was current, and the channel around them whole."""
        return not self.mended and all(package.status is BuildStatus.CURRENT for package in self.packages)

    @property
    def tested(self) -> bool:
        """Whether tests of packages ran, which are not due when the same is built again."""
        return any(package.tests == PASSED for package in self.packages)

    def as_json(self) -> Mapping[str, Any]:
        """Return the contract's document; each package also has its `left_out` and `warnings`."""
        return {"packages": [_as_json(package) for package in self.packages]}

    def as_text(self) -> str:
        """Return a line per package, then the warnings."""
        verb = "would be " if self.dry_run else ""
        width = max((len(package.name) for package in self.packages), default=0)
        lines = [_line(package, width, verb) for package in self.packages]
        if warnings := [warning for package in self.packages for warning in package.remarks.warnings]:
            lines.append("\n".join(map(problem_text, warnings)))
        return "\n".join(lines)


def _as_json(package: PackageResult) -> dict[str, Any]:
    named = ("name", "version", "build", "file", "sha256")
    reported = ("status", "seconds", "reason", "tests")
    return {
        **{key: getattr(package.artifact, key) for key in named},
        **{key: getattr(package, key) for key in reported},
        **package.remarks.as_json(),
    }


def _line(package: PackageResult, width: int, verb: str) -> str:
    status = package.status if package.status is BuildStatus.CURRENT else f"{verb}{package.status}"
    why = f"  ({package.reason})" if package.reason else ""
    tests = {"": "", PASSED: "; tests passed", PASSED_BEFORE: ""}.get(package.tests, f"; {package.tests}")
    return (
        f"{package.name:<{width}}  {package.artifact.version} {package.artifact.build}  {status}{why}{tests}"
    )
