"""Pushing images to Debian's docker-registry: what is sent, what is refused, and who may."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import requests

from flowlock.edges.http import AnswerKind
from flowlock.edges.registry import ImageName, ImageRepository
from flowlock.edges.registry_login import login
from flowlock.edges.retry_policy import RetryPolicy
from flowlock.errors import FlowlockError
from flowlock.image.layout import Layout, read
from flowlock.image.push import PushOutcome, PushStatus, push
from flowlock.report.reporter import Silent
from images import small_image
from servers.faults import DealtStorm, Fault, proxy
from servers.listing_registry import listing_registry
from servers.parts import folder_of
from servers.registry import (
    PASSWORD,
    USER,
    Registry,
    open_registry,
    password_registry,
    served,
    token_registry,
)
from servers.relay import relay
from shared import ROOT, require_part, seeded

CREDENTIALS = {"REGISTRY_USERNAME": USER, "REGISTRY_PASSWORD": PASSWORD}
QUICK = RetryPolicy(tries=20, first_pause=0.005, longest_pause=0.05, connect=5.0, read=20.0)
CONTENTS = {"numpy": b"numbers" * 1000, "pandas": b"tables" * 1000, "workflow": b"first"}
LONG = os.environ.get("FLOWLOCK_STORM") == "long"
KILLS = 50 if LONG else 10
# Layers that do not compress, in number and bytes, and about as many bytes as a push sends beside them.
PARTS, PART, DOCUMENTS = 4, 400_000, 40_000
SEED = 20261127
# Each named fault happens at least so often. An image takes 36 requests where none of them fails.
EACH = 10


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with open_registry(tmp_path / "registry") as running:
        yield running


@pytest.fixture(params=["password", "token"])
def closed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    kinds = {"password": password_registry, "token": token_registry}
    with kinds[request.param](tmp_path / "registry") as running:
        yield running


def pushed(
    layout: Layout,
    registry: Registry,
    *,
    repository: str = "octo/birds",
    tag: str = "1.0",
    environ: Mapping[str, str] | None = None,
    known: dict[str, str] | None = None,
) -> PushOutcome:
    name = ImageName.parse(f"{registry.host}/{repository}:{tag}")
    client = ImageRepository(name, login(name.host, environ or {}, variables=True), retry_policy=QUICK)
    return push(layout, client, tag, known={} if known is None else known, progress=Silent())


def test_a_push_sends_everything_once_and_a_second_one_nothing(registry: Registry, tmp_path: Path) -> None:
    layout = small_image(tmp_path, CONTENTS)
    first = pushed(layout, registry)
    assert (first.status, first.digest) == (PushStatus.UPLOADED, layout.image.digest)
    # Three layers, a configuration, and the empty one and the body of what is attached.
    assert first.sent == 6
    second = pushed(layout, registry)
    assert (second.status, second.sent, second.sent_bytes) == (PushStatus.PRESENT, 0, 0)
    assert served(registry, "octo/birds", "1.0") == layout.blob(layout.image.digest).read_bytes()


def test_another_image_under_a_tag_is_a_conflict_and_nothing_is_sent(
    registry: Registry, tmp_path: Path
) -> None:
    first = small_image(tmp_path / "first", CONTENTS)
    pushed(first, registry)
    before = registry.stored()
    outcome = pushed(small_image(tmp_path / "other", {**CONTENTS, "workflow": b"second"}), registry)
    assert (outcome.status, outcome.digest) == (PushStatus.CONFLICT, first.image.digest)
    assert registry.stored() == before
    assert registry.tags("octo/birds")["1.0"] == first.image.digest


def test_only_the_layer_that_changed_is_sent(registry: Registry, tmp_path: Path) -> None:
    pushed(small_image(tmp_path / "first", CONTENTS), registry)
    outcome = pushed(
        small_image(tmp_path / "second", {**CONTENTS, "workflow": b"second"}), registry, tag="1.1"
    )
    # The layer of the workflow, the configuration, and the list of packages, which names the image.
    assert (outcome.status, outcome.sent) == (PushStatus.UPLOADED, 3)


def test_a_layer_larger_than_any_message_is_found_at_the_registry(registry: Registry, tmp_path: Path) -> None:
    large = {"pyarrow": seeded(SEED).randbytes(AnswerKind.MESSAGE.limit + 1)}
    pushed(small_image(tmp_path / "first", large), registry)
    outcome = pushed(small_image(tmp_path / "second", {**large, "workflow": b"second"}), registry, tag="1.1")
    assert outcome.status is PushStatus.UPLOADED
    assert outcome.sent_bytes < 10_000


def test_blobs_of_another_repository_are_mounted(registry: Registry, tmp_path: Path) -> None:
    known: dict[str, str] = {}
    layout = small_image(tmp_path, CONTENTS)
    pushed(layout, registry, known=known)
    outcome = pushed(layout, registry, repository="octo/copies", known=known)
    assert (outcome.status, outcome.sent, outcome.mounted) == (PushStatus.UPLOADED, 0, 6)


def test_an_image_of_two_platforms_is_pushed_with_both(registry: Registry, tmp_path: Path) -> None:
    layout = small_image(tmp_path, CONTENTS, platforms=2)
    assert pushed(layout, registry).status is PushStatus.UPLOADED
    index = json.loads(served(registry, "octo/birds", "1.0"))
    assert {entry["platform"]["architecture"] for entry in index["manifests"]} == {"amd64", "arm64"}
    for entry in index["manifests"]:
        assert served(registry, "octo/birds", entry["digest"]) == layout.blob(entry["digest"]).read_bytes()


def test_what_is_attached_is_listed_where_clients_look_for_it(registry: Registry, tmp_path: Path) -> None:
    layout = small_image(tmp_path, CONTENTS)
    pushed(layout, registry)
    tag = layout.image.digest.replace(":", "-")
    index = json.loads(served(registry, "octo/birds", tag))
    assert [entry["digest"] for entry in index["manifests"]] == [one.digest for one in layout.attached]
    assert {entry["artifactType"] for entry in index["manifests"]} == {"application/vnd.cyclonedx+json"}


def test_a_registry_with_users_takes_what_the_environment_has(closed: Registry, tmp_path: Path) -> None:
    known: dict[str, str] = {}
    layout = small_image(tmp_path, CONTENTS)
    assert pushed(layout, closed, environ=CREDENTIALS, known=known).status is PushStatus.UPLOADED
    assert pushed(layout, closed, environ=CREDENTIALS).status is PushStatus.PRESENT
    mounted = pushed(layout, closed, environ=CREDENTIALS, known=known, repository="octo/copies")
    assert (mounted.sent, mounted.mounted) == (0, 6)
    assert closed.tags("octo/birds")["1.0"] == layout.image.digest


def test_a_registry_with_users_takes_what_dockers_file_has(closed: Registry, tmp_path: Path) -> None:
    from base64 import b64encode

    entry = {"auth": b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker/config.json").write_text(json.dumps({"auths": {closed.host: entry}}))
    environ = {"DOCKER_CONFIG": str(tmp_path / "docker")}
    assert pushed(small_image(tmp_path, CONTENTS), closed, environ=environ).status is PushStatus.UPLOADED


@pytest.mark.parametrize("named", ["credsStore", "credHelpers"])
def test_a_registry_with_users_takes_what_a_credential_helper_has(
    closed: Registry, tmp_path: Path, named: str
) -> None:
    helper = tmp_path / "bin/docker-credential-box"
    helper.parent.mkdir()
    answer = json.dumps({"ServerURL": closed.host, "Username": USER, "Secret": PASSWORD})
    helper.write_text(f"#!/bin/sh\nread host\ntest \"$host\" = {closed.host} && echo '{answer}'\n")
    helper.chmod(0o755)
    config = {"credsStore": "box"} if named == "credsStore" else {"credHelpers": {closed.host: "box"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    environ = {
        "REGISTRY_AUTH_FILE": str(tmp_path / "config.json"),
        "PATH": f"{helper.parent}{os.pathsep}{os.environ['PATH']}",
    }
    assert pushed(small_image(tmp_path, CONTENTS), closed, environ=environ).status is PushStatus.UPLOADED


def test_a_registry_with_users_takes_what_the_keyring_has(closed: Registry, tmp_path: Path) -> None:
    python = folder_of("keyring") / "bin/python"
    require_part(found=python.is_file(), part="the Python package keyring")
    (packages,) = (folder_of("keyring") / "lib").glob("python3.*/site-packages")
    # A real backend, which keeps its entries in a file below the folder of a user's data.
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring",
    }
    entry = [str(python), "-m", "keyring", "set", closed.host, "flowlock"]
    subprocess.run(entry, input=f"{USER}:{PASSWORD}", text=True, env=environ, check=True)
    layout = small_image(tmp_path, CONTENTS)
    argv = [sys.executable, "-c", PUSHER, str(layout.folder), f"{closed.host}/octo/birds:1.0"]
    done = subprocess.run(
        argv, cwd=ROOT, env={**environ, "PYTHONPATH": str(packages)}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert closed.tags("octo/birds")["1.0"] == layout.image.digest
    # Without the entry it is refused.
    subprocess.run([*entry[:3], "del", *entry[4:]], env=environ, check=True)
    argv[-1] = f"{closed.host}/octo/others:1.0"
    without = subprocess.run(
        argv, cwd=ROOT, env={**environ, "PYTHONPATH": str(packages)}, capture_output=True, check=False
    )
    assert without.returncode != 0
    assert b"401" in without.stderr


@pytest.mark.parametrize("environ", [{}, {**CREDENTIALS, "REGISTRY_PASSWORD": "wrong-password-77aa"}])
def test_a_wrong_or_missing_credential_is_refused_and_not_shown(
    closed: Registry, tmp_path: Path, environ: dict[str, str]
) -> None:
    with pytest.raises(FlowlockError, match="401") as caught:
        pushed(small_image(tmp_path, CONTENTS), closed, environ=environ)
    (problem,) = caught.value.problems
    assert problem.code == "FL911"
    assert "REGISTRY_USERNAME" in (problem.hint or "")
    assert "wrong-password" not in str(problem.as_json())


def test_skopeo_reads_the_same_digest(registry: Registry, tmp_path: Path) -> None:
    require_part(found=shutil.which("skopeo") is not None, part="skopeo")
    layout = small_image(tmp_path, CONTENTS)
    pushed(layout, registry)
    address = f"docker://{registry.host}/octo/birds:1.0"
    inspect = ["skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", address]
    done = subprocess.run(inspect, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == layout.image.digest
    copy = ["skopeo", "copy", "-q", "--src-tls-verify=false", address, f"oci:{tmp_path / 'copied'}:1.0"]
    subprocess.run(copy, check=True)
    assert read(tmp_path / "copied").image.digest == layout.image.digest


def test_a_registry_that_lists_what_is_attached_is_sent_no_list(tmp_path: Path) -> None:
    layout = small_image(tmp_path, CONTENTS)
    with listing_registry(tmp_path / "registry") as registry:
        assert pushed(layout, registry).status is PushStatus.UPLOADED
        assert pushed(layout, registry).status is PushStatus.PRESENT
        assert registry.tags("octo/birds") == {"1.0": layout.image.digest}
        url = f"http://{registry.host}/v2/octo/birds/referrers/{json_subject(layout)}"
        listed = requests.get(url, timeout=60).json()["manifests"]
    assert [entry["digest"] for entry in listed] == [described.digest for described in layout.attached]


@pytest.mark.storm
def test_whenever_a_push_is_killed_the_tag_is_absent_or_right_and_a_rerun_ends_right(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = seeded(SEED)
    seen: Counter[str] = Counter()
    for number in range(KILLS):
        folder = tmp_path / str(number)
        contents = {f"part-{part}": rng.randbytes(PART) for part in range(PARTS)}
        layout = small_image(folder, contents, platforms=1 + number % 2)
        tag = f"1.{number}"
        # Half of the kills are while layers are sent, half while manifests and the tag are.
        layers = PARTS * PART
        after = rng.randrange(layers) if number % 2 else rng.randrange(layers, layers + DOCUMENTS)
        seen["at work"] += killed(folder, registry, tag, after=after)
        found = registry.tags("octo/birds").get(tag)
        assert found in {None, layout.image.digest}
        seen["without the tag"] += found is None
        again = pushed(layout, registry, tag=tag)
        assert again.status in {PushStatus.UPLOADED, PushStatus.PRESENT}
        seen["blobs sent by reruns"] += again.sent
        assert registry.tags("octo/birds")[tag] == layout.image.digest
        referrers = served(registry, "octo/birds", json_subject(layout).replace(":", "-"))
        assert len(json.loads(referrers)["manifests"]) == 1
    with capsys.disabled():
        sys.stderr.write(f"\n{KILLS} kills of pushes: {dict(seen)}\n")
    assert seen["at work"] >= KILLS // 2
    assert seen["without the tag"] >= KILLS // 2


def json_subject(layout: Layout) -> str:
    """Return the digest of the image that the first attachment refers to."""
    subject = layout.manifest(layout.attached[0]).subject
    assert subject is not None
    return subject.digest


PUSHER = """
import os
import sys
from pathlib import Path
from flowlock.edges.registry import ImageName, ImageRepository
from flowlock.edges.registry_login import login
from flowlock.image.layout import read
from flowlock.image.push import push
from flowlock.report.reporter import Silent
name = ImageName.parse(sys.argv[2])
layout = read(Path(sys.argv[1]))
client = ImageRepository(name, login(name.host, os.environ, variables=True))
push(layout, client, name.tag, known={}, progress=Silent())
"""


def killed(folder: Path, registry: Registry, tag: str, *, after: int) -> bool:
    """Push in another process, and kill it when the registry has got so many bytes of it.

    Return whether it was still at work.
    """
    host, _, port = registry.host.partition(":")
    with relay() as between:
        between.target, between.limit = (host, int(port)), after
        argv = [sys.executable, "-c", PUSHER, str(folder / "layout"), f"{between.address}/octo/birds:{tag}"]
        with subprocess.Popen(argv, cwd=ROOT) as process:
            while not between.stalled.wait(0.01) and process.poll() is None:
                pass
            process.send_signal(signal.SIGKILL)
            return process.wait() == -signal.SIGKILL


@pytest.mark.storm
def test_a_push_through_faults_ends_right(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    storm = DealtStorm(seed=SEED, period=18, slow=0.05)
    rng = seeded(SEED)
    with proxy(f"http://{registry.host}", storm) as url:
        through = Registry(host=url.removeprefix("http://"), folder=registry.folder)
        for number in range(20 if LONG else 5):
            contents = {f"part-{part}": rng.randbytes(300_000) for part in range(4)}
            layout = small_image(tmp_path / str(number), contents)
            assert pushed(layout, through, tag=f"1.{number}").status is PushStatus.UPLOADED
            assert registry.tags("octo/birds")[f"1.{number}"] == layout.image.digest
    with capsys.disabled():
        sys.stderr.write(f"\nfaults in {storm.requests} requests of pushes: {dict(storm.happened)}\n")
    for fault in Fault:
        assert storm.happened[fault] >= EACH, fault
