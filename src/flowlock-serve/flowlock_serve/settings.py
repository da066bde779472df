"""The settings of a service: how it runs and keeps runs, who may use it, and its limits."""

from dataclasses import dataclass
from pathlib import Path

from flowlock_core.runs.results_url import FILE, ResultsUrl

DAY = 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    """How many finished runs are kept, for how many seconds, and how many bytes they may have together."""

    runs: int = 10_000
    seconds: float = 90 * DAY
    size: int = 50 * 10**9


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultsTarget:
    """A bucket that the results of runs are uploaded to.

    The credentials are those of a connection, or of the environment of the service if it is None.
    """

    url: ResultsUrl
    connection: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RunSettings:
    """How runs are executed and kept; `time_limit` is in seconds, None for none.

    Runs are kept in `folder`; with a `target`, only what the service itself needs of those that have ended.
    Input files may be in the folders of `data`; relative paths start at the first.
    """

    folder: Path
    data: tuple[Path, ...]
    target: ResultsTarget | None = None
    workers: int = 2
    queue: int = 100
    time_limit: float | None = None
    retention: Retention = Retention()
    cache: Path | None = None

    @property
    def results_url(self) -> ResultsUrl:
        """The URL that the results of all runs are below."""
        if self.target is not None:
            return self.target.url
        return ResultsUrl(scheme=FILE, bucket="", prefix=str(self.folder.resolve()).strip("/"))


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestLimits:
    """What is refused: larger bodies, more requests or event streams at a time, and who is slower."""

    body: int = 4_000_000
    requests: int = 128
    streams: int = 64
    connections: int = 1_000
    head_seconds: float = 10.0
    body_seconds: float = 20.0
    stall_seconds: float = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessSettings:
    """Who may use the service: those who know the token, by one of these hosts.

    A token for one start is exchanged for a cookie once, one from a file as often as needed. `hosts` are as
    the header Host has them. `secure` cookies are sent over TLS only.
    """

    token: str
    exchanged_once: bool
    hosts: tuple[str, ...]
    cookie: str = "flowlock_session"
    secure: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceSettings:
    """All settings of a service."""

    runs: RunSettings
    access: AccessSettings
    limits: RequestLimits = RequestLimits()
