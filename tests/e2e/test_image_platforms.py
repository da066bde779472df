"""The image of a lock for two platforms: an index, with packages that are made for each."""

import json
from pathlib import Path
from typing import Any

from flowlock.conda.archive import read_index
from flowlock.edges import files
from flowlock.image.attachments import Origin
from flowlock.image.base import BaseImage
from flowlock.image.build import ImageRequest, build
from flowlock.image.layers import LayerCache, TarEntry
from flowlock.image.layout import Layout
from flowlock.names import Platform
from flowlock.report.reporter import Silent
from flowlock.running.environment import EnvironmentFolders
from images import EPOCH, files_of
from servers.packages import package

CHANNEL = "https://example.org/made"
PLATFORMS = (Platform("linux-64"), Platform("linux-aarch64"))


def locked(folder: Path) -> Path:
    """Write packages for each platform and one for all, and a lock of them; return the lock."""
    packages: list[str] = []
    by_platform: dict[str, list[str]] = {}
    for subdir in ("noarch", *PLATFORMS):
        name = "words" if subdir == "noarch" else "numbers"
        path = package(folder / "made" / subdir, name, content=f"for {subdir}".encode(), subdir=subdir)
        url = f"{CHANNEL}/{subdir}/{path.name}"
        size, sha256, depends = path.stat().st_size, files.sha256_of(path), read_index(path)["depends"]
        packages += [f"- conda: {url}", f"  sha256: {sha256}", f"  size: {size}", f"  depends: {depends}"]
        for platform in PLATFORMS if subdir == "noarch" else (subdir,):
            by_platform.setdefault(platform, []).append(f"      - conda: {url}")
    lines = ["version: 7", "platforms:", *(f"- name: {platform}" for platform in PLATFORMS)]
    lines += ["environments:", "  default:", "    channels:", f"    - url: {CHANNEL}/", "    packages:"]
    for platform, entries in by_platform.items():
        lines += [f"      {platform}:", *entries]
    lock = folder / "pixi.lock"
    lock.write_text("\n".join([*lines, "packages:", *packages, ""]))
    return lock


def request(folder: Path) -> ImageRequest:
    cache = LayerCache(folder=folder / "layers")

    def base(platform: Platform) -> BaseImage:
        layer = cache.add(
            platform, "base", [TarEntry(path=f"lib/{platform}/libc.so.6", source=b"libc")], EPOCH
        )
        digest = layer.blob.digest
        return BaseImage(
            reference=f"example.org/base@{digest}", layers=(layer,), blobs=(digest,), glibc="2.36"
        )

    places = EnvironmentFolders(
        home=folder / "envs",
        cache=folder / "pkgs",
        bytecode=folder / "bytecode",
        artifacts=folder / "artifacts",
        archives=folder / "archives",
        mirrors={CHANNEL: folder / "made"},
        offline=True,
    )
    return ImageRequest(
        lock_file=locked(folder),
        environment="default",
        platforms=PLATFORMS,
        own_channel=CHANNEL,
        origin=Origin(name="words", version="1.0", epoch=EPOCH, lock="", base={}),
        folders=places,
        cache=cache,
        base=base,
    )


def test_an_image_for_two_platforms_has_the_packages_of_each(tmp_path: Path) -> None:
    layout = build(request(tmp_path), tmp_path / "image", Silent()).layout
    contents = {}
    for manifest in layout.images():
        single = Layout(folder=layout.folder, image=manifest)
        found = {path.rpartition("/")[2]: content for _, path, content in files_of(single)}
        contents[manifest.platform["architecture"]] = found
    assert {machine: found["numbers"] for machine, found in contents.items()} == {
        "amd64": b"for linux-64",
        "arm64": b"for linux-aarch64",
    }
    assert {found["words"] for found in contents.values()} == {b"for noarch"}
    # Each platform's image has its own list of packages.
    subjects = [layout.manifest(one).subject for one in layout.attached]
    digests = [subject.digest for subject in subjects if subject is not None]
    assert sorted(digests) == sorted([one.digest for one in layout.images()] * 2)
    bills = [document_of(layout, one.digest) for one in layout.attached]
    urls = [{part["bom-ref"] for part in bill["components"]} for bill in bills if "components" in bill]
    assert [{url.split("/")[-2] for url in listed} for listed in urls] == [
        {"noarch", platform} for platform in PLATFORMS
    ]


def document_of(layout: Layout, attached: str) -> Any:
    """Return the body of an attached artifact."""
    manifest = json.loads(layout.blob(attached).read_bytes())
    return json.loads(layout.blob(manifest["layers"][0]["digest"]).read_bytes())
