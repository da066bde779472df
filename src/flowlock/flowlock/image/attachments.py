"""What is attached to an image: the list of its packages (SBOM), and what it was made from (provenance)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from flowlock.conda.records import Record
from flowlock.image import oci

SBOM = "application/vnd.cyclonedx+json"
PROVENANCE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """What an image was made from, as its labels and attachments state it.

    `name` is the package of the workflow or location, `command` what the image runs unless it gets arguments,
    `lock` the sha256 of what its lock pins, `base` describes the layers
    below the packages. `source` and `revision` are empty where they are not known, as in a changed tree.
    """

    name: str
    version: str
    epoch: datetime
    lock: str
    base: Mapping[str, str]
    source: str = ""
    revision: str = ""
    title: str = ""
    licenses: str = ""
    command: tuple[str, ...] = ()

    @property
    def created(self) -> str:
        """The epoch of the workspace, as documents have times."""
        return self.epoch.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def labels(self) -> dict[str, str]:
        """The labels of the image (those of OCI's annotations, and ours)."""
        stated = {
            "org.opencontainers.image.title": self.title or self.name,
            "org.opencontainers.image.version": self.version,
            oci.CREATED: self.created,
            "org.opencontainers.image.source": self.source,
            "org.opencontainers.image.revision": self.revision,
            "org.opencontainers.image.licenses": self.licenses,
            "flowlock.lock.sha256": self.lock,
            **self.base,
        }
        return {name: value for name, value in stated.items() if value}


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """An image of one platform and the packages in it."""

    image: oci.Descriptor
    records: Sequence[Record] = field(default_factory=tuple)


def sbom(origin: Origin, contents: Contents) -> bytes:
    """Return the packages of an image as CycloneDX 1.6: names, versions, licences, digests, dependencies."""
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6

    root = Component(name=origin.name, version=origin.version, type=ComponentType.CONTAINER, bom_ref="image")
    components = {record.name: _component(record) for record in contents.records}
    bom = Bom(
        # The same image has the same document.
        serial_number=uuid5(NAMESPACE_URL, contents.image.digest),
        metadata=BomMetaData(timestamp=origin.epoch.astimezone(UTC), component=root),
        components=components.values(),
    )
    bom.register_dependency(root, components.values())
    for record in contents.records:
        names = {spec.partition(" ")[0] for spec in record.depends}
        needed = [components[name] for name in sorted(names) if name in components]
        bom.register_dependency(components[record.name], needed)
    return JsonV1Dot6(bom).output_as_string(indent=2).encode()


def _component(record: Record) -> Any:
    from cyclonedx.contrib.license.factories import LicenseFactory
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    qualifiers = {"build": record.build, "channel": record.channel, "subdir": record.subdir}
    licenses = [LicenseFactory().make_from_string(record.license)] if record.license else None
    return Component(
        name=record.name,
        version=record.version,
        type=ComponentType.LIBRARY,
        bom_ref=record.url,
        purl=PackageURL("conda", None, record.name, record.version, qualifiers),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=record.sha256)],
        licenses=licenses,
    )


def provenance(origin: Origin, contents: Contents, builder: str) -> bytes:
    """Return what an image was made from, as SLSA's provenance in an in-toto statement.

    It is not signed: the address of its image names the bytes, and a signer may sign both.
    """
    dependencies = [
        {"uri": record.url, "digest": {"sha256": record.sha256}} for record in contents.records if record.url
    ]
    if origin.revision:
        dependencies.append({"uri": origin.source or origin.name, "digest": {"gitCommit": origin.revision}})
    definition = {
        "buildType": "flowlock image build",
        "externalParameters": {"workflow": origin.name, "platform": dict(contents.image.platform)},
        "internalParameters": {"lock": {"sha256": origin.lock}, **origin.base},
        "resolvedDependencies": dependencies,
    }
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [
            {"name": origin.name, "digest": {"sha256": contents.image.digest.removeprefix("sha256:")}}
        ],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "buildDefinition": definition,
            "runDetails": {"builder": {"id": builder}, "metadata": {"startedOn": origin.created}},
        },
    }
    return (json.dumps(statement, sort_keys=True, indent=2, ensure_ascii=False) + "\n").encode()
