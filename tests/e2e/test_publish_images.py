"""Images as artifacts of a release: the same stages, ledger and rerun as for packages, at docker-registry."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from flowlock.errors import FlowlockError
from flowlock.release import ledger
from flowlock.release.outcome import PublishResult
from flowlock.release.targets import make
from flowlock.release.targets.protocol import Context, DeliveryStatus
from images import small_image
from servers import venues
from servers.gitea_registry import gitea_registry
from servers.packages import package
from servers.registry import PASSWORD, USER, Registry, token_registry
from servers.venues import COMMIT, Venue

CREDENTIALS = {"REGISTRY_USERNAME": USER, "REGISTRY_PASSWORD": PASSWORD}
NAMES = ("flowlock-birds-workflow", "flowlock-trees-workflow")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with token_registry(tmp_path / "registry") as running:
        yield running


def images(folder: Path, *, text: bytes = b"first", revision: str = COMMIT) -> list[Path]:
    """Return the layouts of two workflows' images, which share their large layer."""
    paths = []
    for name in NAMES:
        contents = {"numpy": b"numbers" * 1000, name: text + name.encode()}
        made = small_image(folder / "made" / name, contents, revision=revision)
        target = folder / "images" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        made.folder.rename(target)
        paths.append(target)
    return paths


def publish(
    registry: Registry, folder: Path, layouts: list[Path], *, environ: Mapping[str, str] = CREDENTIALS
) -> PublishResult:
    channel = venues.directory(folder)
    venue = Venue(target=f"oci:{registry.host}/octo/flow", environ={}, served=dict)
    return venues.run(
        [channel, venue],
        [package(folder / "artifacts", "core")],
        folder,
        images=layouts,
        environ=environ,
        skip=frozenset(),
    )


def statuses(result: PublishResult) -> dict[str, DeliveryStatus]:
    return {artifact.file: artifact.status for artifact in result.targets[1].artifacts}


def test_images_are_published_with_the_packages_and_a_rerun_finds_both(
    registry: Registry, tmp_path: Path
) -> None:
    layouts = images(tmp_path)
    first = publish(registry, tmp_path, layouts)
    assert first.ok, first.as_text()
    assert statuses(first) == dict.fromkeys(NAMES, DeliveryStatus.UPLOADED)
    for artifact in first.targets[1].artifacts:
        assert registry.tags(f"octo/flow/{artifact.file}")["1.0.0"] == f"sha256:{artifact.sha256}"
    second = publish(registry, tmp_path, layouts)
    assert statuses(second) == dict.fromkeys(NAMES, DeliveryStatus.PRESENT)


def test_the_ledger_says_where_each_image_is_and_has_no_credential(
    registry: Registry, tmp_path: Path
) -> None:
    result = publish(registry, tmp_path, images(tmp_path))
    text = (tmp_path / "state" / ledger.FILE).read_text()
    entries = {entry["place"]: entry for entry in json.loads(text)["artifacts"]}
    for artifact in result.targets[1].artifacts:
        entry = entries[artifact.file]
        assert entry["sha256"] == artifact.sha256
        assert entry["url"].endswith(f"/octo/flow/{artifact.file}:1.0.0@sha256:{artifact.sha256}")
    assert not [secret for secret in (PASSWORD, *registry.issued) if secret in text]


def test_another_image_under_the_tag_of_a_release_is_a_conflict(registry: Registry, tmp_path: Path) -> None:
    first = publish(registry, tmp_path, images(tmp_path))
    (tmp_path / "other").mkdir()
    result = publish(registry, tmp_path, images(tmp_path / "other", text=b"second"))
    assert not result.ok
    assert set(statuses(result).values()) == {DeliveryStatus.CONFLICT}
    for artifact in first.targets[1].artifacts:
        assert registry.tags(f"octo/flow/{artifact.file}")["1.0.0"] == f"sha256:{artifact.sha256}"


def test_an_image_of_another_commit_is_refused_before_anything_is_published(
    registry: Registry, tmp_path: Path
) -> None:
    with pytest.raises(FlowlockError) as caught:
        publish(registry, tmp_path, images(tmp_path, revision="f" * 40))
    assert [problem.code for problem in caught.value.problems] == ["FL837", "FL837"]
    assert registry.stored() == {}
    assert not list(tmp_path.glob("a chännel/*/*.conda"))


def test_a_missing_credential_is_reported_before_anything_is_published(
    registry: Registry, tmp_path: Path
) -> None:
    with pytest.raises(FlowlockError, match="not ready") as caught:
        publish(registry, tmp_path, images(tmp_path), environ={})
    assert "401" in caught.value.problems[0].message
    assert not list(tmp_path.glob("a chännel/*/*.conda"))


def test_the_address_of_one_image_is_not_a_target(tmp_path: Path) -> None:
    with pytest.raises(FlowlockError) as caught:
        make("oci:ghcr.io/octo/flow:1.0", {}, Context(root=tmp_path, tag="v1.0.0"))
    assert caught.value.problems[0].code == "FL801"


def test_gitea_lets_in_a_user_with_a_token_and_its_own_form_of_tokens(tmp_path: Path) -> None:
    with gitea_registry(tmp_path / "registry", USER, PASSWORD) as registry:
        layouts = images(tmp_path)
        with pytest.raises(FlowlockError, match="not ready"):
            publish(registry, tmp_path, layouts, environ={**CREDENTIALS, "REGISTRY_PASSWORD": "another"})
        first = publish(registry, tmp_path, layouts)
        assert first.ok, first.as_text()
        assert statuses(first) == dict.fromkeys(NAMES, DeliveryStatus.UPLOADED)
        second = publish(registry, tmp_path, layouts)
        assert statuses(second) == dict.fromkeys(NAMES, DeliveryStatus.PRESENT)
        for artifact in first.targets[1].artifacts:
            assert registry.tags(f"octo/flow/{artifact.file}")["1.0.0"] == f"sha256:{artifact.sha256}"
        text = (tmp_path / "state" / ledger.FILE).read_text()
        assert registry.issued
        assert not [secret for secret in (PASSWORD, *registry.issued) if secret in text]
