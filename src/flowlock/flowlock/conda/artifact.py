"""One build of a conda package, by what a channel knows it by."""

from dataclasses import dataclass

from flowlock.names import Sha256

SUFFIX = ".conda"


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """A build of a package; `sha256` is None where its bytes are not known, as before it is built."""

    name: str
    version: str
    build: str
    number: int
    subdir: str
    sha256: Sha256 | None = None

    @property
    def stem(self) -> str:
        """The file name without its extension."""
        return f"{self.name}-{self.version}-{self.build}"

    @property
    def file(self) -> str:
        """The file name; that of our own builds determines the bytes."""
        return f"{self.stem}{SUFFIX}"

    @property
    def known_sha256(self) -> Sha256:
        """The sha256 of an artifact that exists."""
        if self.sha256 is None:
            raise ValueError(f"{self.file} has not been built yet")
        return self.sha256

    @property
    def path(self) -> str:
        """The path in a channel."""
        return f"{self.subdir}/{self.file}"
