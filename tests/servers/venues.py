"""Every kind of target with a server behind it, in one shape: where it is, who may write, what it serves."""

import hashlib
import json
import secrets
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from flowlock.edges.retry_policy import RetryPolicy
from flowlock.release import publish
from flowlock.release.outcome import PublishResult
from flowlock.release.publish_plan import PinnedBuild
from flowlock.release.targets import make
from flowlock.release.targets.protocol import Context
from flowlock.report.reporter import Progress, Silent
from servers import real
from servers.faults import Storm, proxy
from servers.gitea import OWNER, REPOSITORY, Gitea
from servers.github import GitHub
from servers.loopback import answering
from servers.packages import pinned
from servers.prefix_dev import PrefixDev

QUICK = RetryPolicy(tries=12, first_pause=0.005, longest_pause=0.05, connect=5.0, read=20.0)
# As QUICK, but a server that does not answer soon is given up on.
STORMY = RetryPolicy(tries=12, first_pause=0.005, longest_pause=0.05, connect=2.0, read=0.4)
PREFIX_TOKEN = "pfx-4d1f0c7e9b2a"
GITHUB_TOKEN = "ghp-77aa0b1c2d3e4f"
GITEA_TOKEN = "gitea-9e1f0b7733c52d"
AWS_SECRET = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass(frozen=True, kw_only=True)
class Venue:
    """A target with a server: `served` reads what it has by path and sha256, not through our own code."""

    target: str
    environ: Mapping[str, str]
    served: Callable[[], dict[str, str]]
    secrets: Sequence[str] = ()
    server: object = None
    writes: Callable[[], Sequence[tuple[str, str]]] = field(default=lambda: ())


def directory(folder: Path) -> Venue:
    channel = folder / "a chännel"

    def served() -> dict[str, str]:
        return {
            path.relative_to(channel).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in channel.glob("*/*.conda")
        }

    return Venue(target=f"directory:{channel}", environ={}, served=served)


@contextmanager
def prefix(storm: Storm | None = None) -> Iterator[Venue]:
    state = PrefixDev(tokens={PREFIX_TOKEN})

    def served() -> dict[str, str]:
        return {place: hashlib.sha256(data).hexdigest() for place, data in state.channels["flowlock"].items()}

    with answering(state.answer) as upstream, _before(upstream, storm) as url:
        yield Venue(
            target=f"prefix:{url}/flowlock",
            environ={"PREFIX_API_KEY": PREFIX_TOKEN},
            served=served,
            secrets=[PREFIX_TOKEN],
            server=state,
            writes=lambda: state.writes,
        )


@contextmanager
def github(storm: Storm | None = None, state: GitHub | None = None) -> Iterator[Venue]:
    known = state or GitHub(token=GITHUB_TOKEN)

    def served() -> dict[str, str]:
        return {
            str(asset["name"]): str(asset["digest"]).removeprefix("sha256:")
            for asset in known.assets.values()
        }

    with answering(known.answer) as upstream, _before(upstream, storm) as url:
        yield Venue(
            target="github:octo/flow",
            environ={"GITHUB_TOKEN": GITHUB_TOKEN, "GITHUB_API_URL": url},
            served=served,
            secrets=[GITHUB_TOKEN],
            server=known,
            writes=lambda: known.writes,
        )


@contextmanager
def gitea(storm: Storm | None = None, state: Gitea | None = None) -> Iterator[Venue]:
    """The channel of an owner."""
    known = state or Gitea(token=GITEA_TOKEN)

    def served() -> dict[str, str]:
        return {place: hashlib.sha256(data).hexdigest() for place, data in known.packages.items()}

    with answering(known.answer) as upstream, _before(upstream, storm) as url:
        yield Venue(
            target=f"gitea:{url}/{OWNER}",
            environ={"GITEA_TOKEN": GITEA_TOKEN},
            served=served,
            secrets=[GITEA_TOKEN],
            server=known,
            writes=lambda: known.writes,
        )


@contextmanager
def gitea_releases(storm: Storm | None = None, state: Gitea | None = None) -> Iterator[Venue]:
    """The releases of a repository."""
    known = state or Gitea(token=GITEA_TOKEN)

    def served() -> dict[str, str]:
        return {
            str(asset["name"]): hashlib.sha256(known.contents[asset["uuid"]]).hexdigest()
            for asset in known.attachments.values()
        }

    with gitea(storm, known) as venue:
        yield replace(venue, target=f"{venue.target}/{REPOSITORY}", served=served)


@contextmanager
def quetz(running: real.Running, storm: Storm | None = None) -> Iterator[Venue]:
    """A new channel of a server that runs already."""
    name = f"flowlock-{secrets.token_hex(6)}"
    _ask(
        f"{running.url}/api/channels",
        "POST",
        json.dumps({"name": name, "private": False}),
        {"X-API-Key": real.API_KEY, "Content-Type": "application/json"},
    )
    channel = f"{running.url}/get/{name}"
    with _before(running.url, storm) as url:
        yield Venue(
            target=f"quetz:{url}/get/{name}",
            environ={"QUETZ_API_KEY": real.API_KEY},
            served=lambda: _channel(channel),
            secrets=[real.API_KEY],
            server=channel,
        )


@contextmanager
def s3(running: real.Running, storm: Storm | None = None) -> Iterator[Venue]:
    """A new bucket that everybody may read, of a server that runs already."""
    name = f"bucket-{secrets.token_hex(6)}"
    signed = {
        "Authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261101/us-east-1/s3/aws4_request",
        "Content-Type": "application/json",
    }
    _ask(f"{running.url}/{name}", "PUT", "", signed)
    public = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": action, "Resource": f"arn:aws:s3:::{name}{what}"}
            for action, what in (("s3:GetObject", "/*"), ("s3:ListBucket", ""))
        ],
    }
    _ask(f"{running.url}/{name}?policy", "PUT", json.dumps(public), signed)
    with _before(running.url, storm) as url:
        yield Venue(
            target=f"s3://{name}/some/channel",
            environ={
                "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
                "AWS_SECRET_ACCESS_KEY": AWS_SECRET,
                "AWS_ENDPOINT_URL": url,
                "AWS_REGION": "eu-central-1",
            },
            served=lambda: _channel(f"{running.url}/{name}/some/channel"),
            secrets=[AWS_SECRET],
            server=f"{running.url}/{name}/some/channel",
        )


def _ask(url: str, method: str, body: str, headers: Mapping[str, str]) -> None:
    request = urllib.request.Request(url, body.encode(), dict(headers), method=method)
    urllib.request.urlopen(request).close()


@contextmanager
def _before(upstream: str, storm: Storm | None) -> Iterator[str]:
    with ExitStack() as stack:
        yield stack.enter_context(proxy(upstream, storm)) if storm else upstream


def _channel(url: str) -> dict[str, str]:
    """Read a channel as a conda client does: what the index lists, and the bytes behind it."""
    found = {}
    for subdir in ("noarch", "linux-64"):
        try:
            with urllib.request.urlopen(f"{url}/{subdir}/repodata.json") as answer:
                document = json.load(answer)
        except urllib.error.HTTPError as error:
            # A store that may not be listed answers 403 for what is absent.
            if error.code not in {403, 404}:
                raise
            continue
        for file, entry in {**document["packages"], **document["packages.conda"]}.items():
            with urllib.request.urlopen(f"{url}/{subdir}/{urllib.parse.quote(file)}") as answer:
                digest = hashlib.sha256(answer.read()).hexdigest()
            assert digest == entry["sha256"], f"the index and the bytes of {file} disagree"
            found[f"{subdir}/{file}"] = digest
    return found


def run(
    venues: Sequence[Venue],
    paths: Sequence[Path],
    folder: Path,
    *,
    tag: str = "v1.0.0",
    pins: Sequence[PinnedBuild] | None = None,
    retry_policy: RetryPolicy = QUICK,
    notes: str = "",
    environ: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    **options: object,
) -> PublishResult:
    """Publish files to venues as the command does, but for where files and pins come from."""
    merged = {key: value for venue in venues for key, value in venue.environ.items()}
    context = Context(
        root=folder,
        tag=tag,
        prerelease="rc" in tag,
        commit=COMMIT,
        notes=notes,
        retry_policy=retry_policy,
        environ=merged if environ is None else environ,
    )
    job = publish.Publication(
        tag=tag,
        commit=COMMIT,
        files=paths,
        pins=[pinned(path) for path in paths] if pins is None else pins,
        targets=[make(venue.target, {}, context) for venue in venues],
        state=folder / "state",
        **{"deadline": 10.0, "poll": 0.05, **options},  # type: ignore[arg-type] # options of Job, named by tests
    )
    return publish.publish(job, progress or Silent())
