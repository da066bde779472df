"""The client of registries against servers that keep half, redirect and alter: what no real one does."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from flowlock.edges.registry import ImageName, ImageRepository
from flowlock.edges.registry_login import login
from flowlock.edges.retry_policy import RetryPolicy
from flowlock.errors import FlowlockError
from servers.loopback import Request, Response, answering

QUICK = RetryPolicy(tries=6, first_pause=0.005, longest_pause=0.01, connect=5.0, read=5.0)


@dataclass
class HalfRegistry:
    """Keeps half of each upload's first part, then says so, as the distribution specification has it."""

    received: bytes = b""
    blobs: dict[str, bytes] = field(default_factory=dict)
    ranges: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        match request.method:
            case "POST":
                return Response(status=202, headers={"Location": "/v2/octo/birds/blobs/uploads/one"})
            case "PATCH":
                return self.part(request)
            case "GET":
                last = len(self.received) - 1
                return Response(status=204, headers={"Range": f"0-{last}", "Location": request.path})
            case "PUT":
                self.blobs[request.query["digest"]] = self.received
                return Response(status=201)
        return Response(status=200 if request.path.rpartition("/")[2] in self.blobs else 404)

    def part(self, request: Request) -> Response:
        self.ranges.append(request.headers["content-range"])
        if not self.received:
            self.received = request.body[: len(request.body) // 2]
            return Response(status=502)
        self.received += request.body
        return Response(status=202, headers={"Location": request.path})


def repository(url: str) -> ImageRepository:
    name = ImageName.parse(f"{url.removeprefix('http://')}/octo/birds")
    return ImageRepository(name, None, retry_policy=QUICK)


def blob(folder: Path, data: bytes) -> tuple[Path, str]:
    path = folder / "blob"
    path.write_bytes(data)
    return path, f"sha256:{hashlib.sha256(data).hexdigest()}"


def test_an_upload_is_continued_where_the_registry_has_it_to(tmp_path: Path) -> None:
    registry = HalfRegistry()
    data = bytes(range(200)) * 5000
    path, digest = blob(tmp_path, data)
    with answering(registry.answer) as url:
        repository(url).upload(path, digest)
    assert registry.blobs == {digest: data}
    assert registry.ranges == ["0-999999", "500000-999999"]


def test_uploads_to_another_server_are_refused(tmp_path: Path) -> None:
    def answer(request: Request) -> Response:
        return Response(status=202, headers={"Location": "http://127.0.0.2:9/upload"})

    with answering(answer) as url, pytest.raises(FlowlockError, match="another server") as caught:
        repository(url).upload(*blob(tmp_path, b"data"))
    assert caught.value.problems[0].code == "FL912"


@pytest.mark.parametrize("status", [401, 403, 404, 499])
def test_a_refusal_is_an_error_whatever_its_status(status: int) -> None:
    with (
        answering(lambda _: Response(status=status, body=b"no")) as url,
        pytest.raises(FlowlockError) as caught,
    ):
        repository(url).check()
    assert f"refused access: {status}: no" in caught.value.message
    assert caught.value.problems[0].code == "FL911"
    assert caught.value.problems[0].hint


def test_a_blob_with_other_bytes_than_its_digest_is_not_kept(tmp_path: Path) -> None:
    with answering(lambda _: Response(status=200, body=b"other bytes")) as url:
        with pytest.raises(FlowlockError) as caught:
            repository(url).download(f"sha256:{'ab' * 32}", tmp_path / "kept")
        assert caught.value.problems[0].code == "FL913"
        assert not (tmp_path / "kept").exists()
        with pytest.raises(FlowlockError) as altered:
            repository(url).manifest(f"sha256:{'ab' * 32}", "application/json")
        assert altered.value.problems[0].code == "FL913"


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("ghcr.io/octo/birds", "https://ghcr.io"),
        ("docker.io/octo/birds", "https://registry-1.docker.io"),
        ("localhost:5000/birds:1.0", "http://localhost:5000"),
        ("[::1]:5000/birds", "http://[::1]:5000"),
        ("127.0.0.1.example.org/birds", "https://127.0.0.1.example.org"),
    ],
)
def test_a_registry_is_reached_without_encryption_only_on_this_machine(text: str, server: str) -> None:
    assert ImageName.parse(text).server == server


@pytest.mark.parametrize(
    "text",
    [
        "birds",
        "octo/birds",
        "https://ghcr.io/octo/birds",
        "ghcr.io/Octo/birds",
        "ada:secret@ghcr.io/birds",
        "",
    ],
)
def test_any_other_text_is_not_the_address_of_an_image(text: str) -> None:
    with pytest.raises(FlowlockError) as caught:
        ImageName.parse(text)
    assert caught.value.problems[0].code == "FL910"


@pytest.mark.parametrize("text", ["{", '{"auths": {"ghcr.io": {"auth": "n%t base64"}}}', '{"auths": 7}'])
def test_a_malformed_file_of_docker_is_an_error_that_does_not_quote_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(FlowlockError) as caught:
        login("ghcr.io", {"DOCKER_CONFIG": str(tmp_path)}, variables=True)
    assert caught.value.problems[0].code == "FL914"
    assert "base64 auth" not in caught.value.message


def test_without_any_credential_a_registry_is_read_as_everybody_may(tmp_path: Path) -> None:
    assert login("ghcr.io", {"HOME": str(tmp_path)}, variables=True) is None
    # The variables are for the registry of a push, not for that of a base image.
    environ = {"REGISTRY_USERNAME": "ada", "REGISTRY_PASSWORD": "secret-77aa", "HOME": str(tmp_path)}
    assert login("ghcr.io", environ, variables=False) is None
    assert login("ghcr.io", environ, variables=True) is not None
