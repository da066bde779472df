import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from flowlock.conda.records import Record, from_repodata
from flowlock.conda.virtual import target
from flowlock.edges.local_server import QuietHandler
from flowlock.errors import FlowlockError
from flowlock.lock.manifest.model import ManifestRequirement, simple
from flowlock.lock.solver.metadata import ChannelMetadata
from flowlock.lock.solver.solve import SolveRequest, solve_all, solve_environment
from unit.lock.universe import FORGE, channel, lock, package


def request(url: str, *specs: str, **fields: object) -> SolveRequest:
    asked = {
        "label": "demo/default/linux-64",
        "subdir": "linux-64",
        "channels": (url,),
        "requirements": tuple(ManifestRequirement(name=spec.split()[0], spec=spec) for spec in specs),
        "virtual_packages": target("linux-64").virtual_packages,
        **fields,
    }
    return SolveRequest(**asked)  # type: ignore[arg-type]  # the fields are those of SolveRequest


class _Quiet(QuietHandler, SimpleHTTPRequestHandler):
    """Serves a folder."""


@pytest.fixture
def live(tmp_path: Path) -> Iterator[str]:
    """Serve a channel and yield its URL."""
    channel(tmp_path / "channel", FORGE, [package("a", "1.0", "b"), package("b", subdir="linux-64")])
    handler = functools.partial(_Quiet, directory=str(tmp_path / "channel"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def test_a_channel_without_a_folder_is_asked_over_the_network(live: str, tmp_path: Path) -> None:
    with ChannelMetadata(folders=[], cache=tmp_path / "cache") as metadata:
        records = solve_environment(request(live, "a"), metadata)
    assert [record.url for record in records] == [
        f"{live}linux-64/b-1.0-h0_0.conda",
        f"{live}noarch/a-1.0-h0_0.conda",
    ]


def test_live_metadata_is_asked_only_when_the_lock_and_the_builds_do_not_do(
    live: str, tmp_path: Path
) -> None:
    place = tmp_path / "pixi.lock"
    wanted = simple("demo", channels=[live], platforms=["linux-64"], specs=["a"])
    lock(wanted, place, offline=False, cache=tmp_path / "cache")
    fewer = simple("demo", channels=[live], platforms=["linux-64"], specs=["b"])
    lock(fewer, place, offline=True)
    assert "a-1.0" not in place.read_text()
    with pytest.raises(FlowlockError):
        lock(wanted, place, offline=True)
    lock(wanted, place, offline=False, cache=tmp_path / "cache")
    assert "a-1.0" in place.read_text()


def test_a_channel_that_cannot_be_reached_is_told(tmp_path: Path) -> None:
    with (
        ChannelMetadata(folders=[], cache=tmp_path / "cache") as metadata,
        pytest.raises(
            FlowlockError, match=r"the metadata of http://127\.0\.0\.1:9/ cannot be downloaded"
        ) as caught,
    ):
        solve_environment(request("http://127.0.0.1:9/", "a"), metadata)
    assert caught.value.problems[0].code == "FL629"
    assert "`--profile embedded` needs no conda channel" in str(caught.value.hint)
    assert "127.0.0.1:9" in str(caught.value.detail)


def test_a_pinned_record_keeps_every_field_and_a_url_that_is_not_its_channels(tmp_path: Path) -> None:
    folder = channel(tmp_path / "c", FORGE, [])
    pinned = from_repodata(
        "https://mirror.example/elsewhere/noarch/a-1.0-h0_0.conda",
        folder.url,
        package("a", track_features="x y", license="MIT", run_exports={"weak": ["a >=1"]}),
    )
    with ChannelMetadata(folders=[folder]) as metadata:
        (found,) = solve_environment(request(folder.url, "a", locked=(pinned,)), metadata)
    assert found == pinned
    assert found.channel == folder.url.rstrip("/")


def test_each_failure_is_told_and_the_same_words_once(tmp_path: Path) -> None:
    folder = channel(tmp_path / "c", FORGE, [package("a")])
    requests = [request(folder.url, "a >2", label=label) for label in ("x", "y")]
    with ChannelMetadata(folders=[folder]) as metadata, pytest.raises(FlowlockError) as caught:
        solve_all([*requests, request(folder.url, "a")], metadata)
    assert caught.value.message == "2 environments have no solution"
    assert str(caught.value.detail).startswith("x, y:\n")


def names(records: list[Record]) -> list[str]:
    return [record.name for record in records]


def test_progress_is_told_once_a_solve(tmp_path: Path) -> None:
    folder = channel(tmp_path / "c", FORGE, [package("a"), package("b")])
    told: list[tuple[str, int]] = []
    requests = [request(folder.url, name, label=name) for name in ("a", "b")]
    with ChannelMetadata(folders=[folder]) as metadata:
        solved = solve_all(requests, metadata, jobs=1, on_done=lambda r, count: told.append((r.label, count)))
    assert [names(records) for records in solved] == [["a"], ["b"]]
    assert sorted(told) == [("a", 1), ("b", 1)]
