"""What a place that packages are published to must be able to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from flowlock.conda.artifact import Artifact
from flowlock.edges.retry_policy import DEFAULT_RETRY_POLICY, RetryPolicy
from flowlock.names import Sha256
from flowlock.release.targets.artifact import Item


class DeliveryStatus(StrEnum):
    """How one artifact fares at one target; MISSING is what a dry run says of one that would go up."""

    UPLOADED = "uploaded"
    PRESENT = "present"
    CONFLICT = "conflict"
    FAILED = "failed"
    MISSING = "missing"


class TargetKind(StrEnum):
    """What is published there: packages, images, or everything once the others serve what they should."""

    CHANNEL = "channel"
    IMAGES = "images"
    RELEASE = "release"


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """A file that a target has, with the sha256 that it states for it; not `public` in a draft."""

    place: str
    url: str
    sha256: Sha256
    public: bool = True
    artifact: Artifact | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """How an upload ended: where the file is now, and why if it is not."""

    status: DeliveryStatus
    url: str = ""
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What a target is made from in addition to its location: the release, and how to talk."""

    root: Path
    tag: str
    prerelease: bool = False
    commit: str = ""
    notes: str = ""
    connections: int = 16
    retry_policy: RetryPolicy = DEFAULT_RETRY_POLICY
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)


class PublishTarget(Protocol):
    """One place to publish to.

    Every method raises FlowlockError for what is final, with what to do; what passes was borne already.
    """

    @property
    def name(self) -> str:
        """How it was named: `kind:location`."""

    @property
    def kind(self) -> TargetKind:
        """Whether it is a channel, a registry of images, or a release, which comes after all others."""

    def check(self) -> None:
        """See that credentials are there and the place answers, before anything slow."""

    def served(self, items: Sequence[Item]) -> Mapping[str, Served]:
        """Return by place what is served now: at least every build of these packages' names."""

    def upload(self, item: Item) -> Delivery:
        """Put one file there, never over another one; safe to repeat, from several threads at once."""

    def digest(self, item: Item) -> Sha256 | None:
        """Return the sha256 of the bytes that are really served for the item, None if there are none."""

    def complete(self) -> None:
        """Make what was uploaded visible: index a channel, publish a draft. Safe to repeat."""
