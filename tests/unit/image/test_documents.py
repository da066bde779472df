"""What images state: layers by package, origins without secrets, a base that is pinned and new enough."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from flowlock.conda.records import Record
from flowlock.errors import FlowlockError
from flowlock.image import attachments, base, host, oci
from flowlock.image.attachments import Contents, Origin
from flowlock.image.grouping import LARGE, MOST_LARGE, grouped
from flowlock.image.source import public_address

OWN, FORGE = "https://example.org/ours", "https://conda.example.org/forge"


def record(name: str, size: int | None, channel: str = FORGE) -> Record:
    return Record(
        url=f"{channel}/noarch/{name}-1.0-0.conda",
        name=name,
        version="1.0",
        build="0",
        build_number=0,
        subdir="noarch",
        noarch="python",
        sha256="ab" * 32,
        md5="",
        depends=("numpy >=1",) if name == "pandas" else (),
        constrains=(),
        size=size,
        timestamp=None,
        more={"license": "BSD-3-Clause"},
    )


RECORDS = [
    record("tiny", 10),
    record("numpy", 7 * LARGE),
    record("flow", 9 * LARGE, OWN),
    record("unsized", None),
    record("pandas", LARGE),
]
ORIGIN = Origin(
    name="flowlock-birds-workflow", version="1.2.0", epoch=datetime(2026, 11, 1, tzinfo=UTC), lock="", base={}
)


def test_large_packages_have_separate_layers_and_the_workflow_is_last() -> None:
    groups = grouped([*RECORDS, record("birds", 10, OWN)], OWN, "birds")
    assert [(group.title, [record.name for record in group.records]) for group in groups] == [
        ("numpy", ["numpy"]),
        ("pandas", ["pandas"]),
        ("small packages", ["tiny", "unsized"]),
        ("workspace packages", ["flow"]),
        ("workflow package", ["birds"]),
    ]
    assert grouped([record("birds", 10, OWN), *RECORDS[::-1]], OWN, "birds") == groups


def test_no_image_has_more_layers_than_runtimes_mount() -> None:
    groups = grouped([record(f"package-{number}", LARGE + number) for number in range(200)], OWN, "birds")
    assert len(groups) == MOST_LARGE + 1
    # The largest are those with a layer.
    assert "package-199" in [group.title for group in groups]


@pytest.mark.parametrize(
    ("remote", "shown"),
    [
        ("https://github.com/octo/flow.git", "https://github.com/octo/flow"),
        ("https://octo:ghp-secret@github.com/octo/flow", "https://github.com/octo/flow"),
        ("git@github.com:octo/flow.git", "https://github.com/octo/flow"),
        ("ssh://git@git.example.org:2222/octo/flow.git", "https://git.example.org/octo/flow"),
        ("/srv/repositories/flow.git", ""),
        ("../flow", ""),
        ("file:///srv/flow", ""),
        ("http://localhost:3000/octo/flow", ""),
        ("", ""),
    ],
)
def test_the_source_of_an_image_is_a_public_address_without_a_credential(remote: str, shown: str) -> None:
    assert public_address(remote) == shown


def test_the_list_of_packages_names_each_with_its_digest_licence_and_dependencies() -> None:
    image = oci.Descriptor(media_type=oci.MANIFEST, digest=f"sha256:{'cd' * 32}", size=1)
    data = attachments.sbom(ORIGIN, Contents(image=image, records=RECORDS))
    assert data == attachments.sbom(ORIGIN, Contents(image=image, records=RECORDS))
    document = json.loads(data)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    components = {component["name"]: component for component in document["components"]}
    assert set(components) == {"tiny", "numpy", "flow", "unsized", "pandas"}
    assert components["numpy"]["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]
    assert components["numpy"]["licenses"] == [{"license": {"id": "BSD-3-Clause"}}]
    depends = {entry["ref"]: entry.get("dependsOn", []) for entry in document["dependencies"]}
    assert depends[f"{FORGE}/noarch/pandas-1.0-0.conda"] == [f"{FORGE}/noarch/numpy-1.0-0.conda"]


def test_a_provenance_names_the_image_the_commit_and_every_package() -> None:
    image = oci.Descriptor(media_type=oci.MANIFEST, digest=f"sha256:{'cd' * 32}", size=1)
    origin = replace(ORIGIN, revision="0123456789", source="https://example.org/flow")
    statement = json.loads(attachments.provenance(origin, Contents(image=image, records=RECORDS), "flowlock"))
    assert statement["subject"] == [{"name": ORIGIN.name, "digest": {"sha256": "cd" * 32}}]
    resolved = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    assert {"uri": origin.source, "digest": {"gitCommit": "0123456789"}} in resolved
    assert len(resolved) == len(RECORDS) + 1


def test_an_attached_document_refers_to_its_image() -> None:
    subject = oci.Descriptor(media_type=oci.MANIFEST, digest=f"sha256:{'cd' * 32}", size=7)
    manifest, empty, body = oci.attachment(attachments.SBOM, b"{}\n", subject, "sbom.cdx.json")
    document = json.loads(manifest.data)
    assert document["subject"]["digest"] == subject.digest
    assert document["artifactType"] == attachments.SBOM
    assert document["config"]["digest"] == empty.descriptor.digest
    assert document["layers"][0]["digest"] == body.descriptor.digest


def test_an_older_c_library_than_the_lock_was_solved_for_is_refused() -> None:
    host.require_glibc("2.28", "2.28", "this machine")
    host.require_glibc("2.100", "2.28", "this machine")
    with pytest.raises(FlowlockError, match=r"glibc 2\.28 or newer, but old@sha256:1 has 2\.9") as caught:
        host.require_glibc("2.9", "2.28", "old@sha256:1")
    assert caught.value.problems[0].code == "FL906"


def test_another_c_library_is_refused() -> None:
    with pytest.raises(FlowlockError, match="not glibc"):
        host.glibc_release(b"musl libc (x86_64)\nVersion 1.2.5\n", "libc.so.6")


def test_a_base_image_without_a_digest_is_refused() -> None:
    with pytest.raises(FlowlockError, match="not pinned") as caught:
        base.parsed("gcr.io/distroless/base-debian12:latest")
    assert caught.value.problems[0].code == "FL903"
    assert base.parsed(f"gcr.io/distroless/base-debian12@sha256:{'ab' * 32}").digest
