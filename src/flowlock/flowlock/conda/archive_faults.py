"""Each way in which a conda archive can be at fault, by what has to be done about it."""

from enum import Enum
from pathlib import Path

from flowlock.errors import FlowlockError, Location


class ArchiveFault(Enum):
    """What is wrong with an archive: the code and the hint."""

    DAMAGED = ("FL511", "remove it and run the same command again; flowlock builds or downloads it again")
    OUTSIDE = ("FL517", "do not install it; ask its publisher, and pin another build")
    TOO_LARGE = ("FL518", "do not install it; ask its publisher, and pin another build")
    FORM = ("FL519", "pack it again with `cph transmute`, or build it again")
    METADATA = (
        "FL522",
        "build it again; if it is not your package, report this to its publisher",
    )


class MalformedArchiveError(Exception):
    """An archive, or a file in it, is malformed; the caller adds the name of the archive."""

    def __init__(
        self,
        fault: ArchiveFault,
        message: str,
        *,
        member: str | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        super().__init__(message)
        self.fault, self.message, self.member = fault, message, member
        self.line, self.column = line, column

    def of(self, archive: Path) -> FlowlockError:
        """Return the error about an archive: its place is the archive, or the file in it."""
        code, hint = self.fault.value
        file = archive.name if self.member is None else f"{archive.name}/{self.member}"
        return FlowlockError(
            f"{archive.name} {self.message}",
            code=code,
            location=Location(file=file, line=self.line, column=self.column),
            hint=hint,
        )
