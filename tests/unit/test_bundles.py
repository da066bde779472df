"""Committed bundles of npm packages are what their sources give, and their locks say exactly what that is."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from flowlock_core.plotly import TRACES, plotly_runtime
from shared import ROOT, require_part

NODE = shutil.which("node")


@dataclass(frozen=True, kw_only=True, slots=True)
class Bundle:
    """Where a bundle's source is, what npm has installed for it below `.parts`, and where it is committed.

    `by_hand` are files beside it that are not built.
    """

    source: str
    modules: str
    committed: str
    by_hand: tuple[str, ...] = ()


PAGE = Bundle(
    source="src/flowlock-serve/page",
    modules="page",
    committed="src/flowlock-serve/flowlock_serve/page",
    by_hand=("index.html",),
)
PLOTLY = Bundle(
    source="src/flowlock-core/bundle",
    modules="plotly",
    committed="src/flowlock-core/flowlock_core/plotly",
    by_hand=("__init__.py", "image.js"),
)
BUNDLES = [pytest.param(PAGE, id="page"), pytest.param(PLOTLY, id="plotly")]


@pytest.mark.parametrize("bundle", BUNDLES)
def test_building_a_bundle_gives_the_committed_bytes(bundle: Bundle, tmp_path: Path) -> None:
    modules = ROOT / ".parts" / bundle.modules / "node_modules"
    installed = modules / ".package-lock.json"
    require_part(found=NODE is not None and installed.is_file(), part=f"what npm has of {bundle.source}")
    elsewhere = tmp_path / "another é folder"
    for name in (bundle.source, "tools"):
        leave = shutil.ignore_patterns("node_modules", "__pycache__")
        shutil.copytree(ROOT / name, elsewhere / name, ignore=leave)
    built = tmp_path / "built"
    command = [str(NODE), str(elsewhere / bundle.source / "build.mjs"), str(built), str(modules)]
    subprocess.run(command, check=True, cwd=tmp_path)
    files = [path for path in (ROOT / bundle.committed).iterdir() if path.is_file()]
    committed = {path.name: path.read_bytes() for path in files if path.name not in bundle.by_hand}
    assert {path.name: path.read_bytes() for path in built.iterdir()} == committed


@pytest.mark.parametrize("bundle", BUNDLES)
def test_the_lock_has_a_digest_and_no_address_for_every_package(bundle: Bundle) -> None:
    lock = json.loads((ROOT / bundle.source / "package-lock.json").read_bytes())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert len(packages) > 10
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())
    assert not any("resolved" in entry for entry in packages.values())


@pytest.mark.parametrize("bundle", BUNDLES)
def test_every_requirement_of_a_bundle_is_exact(bundle: Bundle) -> None:
    project = json.loads((ROOT / bundle.source / "package.json").read_bytes())
    versions = [*project["dependencies"].values(), *project["devDependencies"].values()]
    assert len(versions) >= 2
    assert all(version[0].isdigit() for version in versions)


@pytest.mark.parametrize(
    ("bundle", "names"),
    [
        (PAGE, ("@rjsf/core", "@cfworker/json-schema", "preact")),
        (PLOTLY, ("plotly.js", "@plotly/d3", "topojson-client", "is-mobile")),
    ],
    ids=["page", "plotly"],
)
def test_the_licence_of_every_bundled_package_is_there(bundle: Bundle, names: tuple[str, ...]) -> None:
    licences = (ROOT / bundle.committed / "LICENSES.txt").read_text(encoding="utf-8")
    assert all(f"\n{name} " in f"\n{licences}" for name in names)


def test_plotly_is_the_recorded_bytes_with_the_recorded_traces_and_small_enough_for_a_page() -> None:
    folder = ROOT / PLOTLY.committed
    recorded = json.loads((folder / "bundle.json").read_bytes())
    script = (folder / "plotly.js").read_bytes()
    assert sha256(script).hexdigest() == recorded["sha256"]
    assert set(recorded["traces"]) == TRACES
    assert plotly_runtime("x", "() => {}").load().encode() == script
    assert 1_000_000 < len(script) < 1_600_000
    # The policy of a page allows neither.
    assert b"eval(" not in script
    assert b"new Function" not in script
