"""A C extension on two Pythons: rattler-build's variants, passed through."""

import json
import os
import shutil
import zipfile
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest

from flowlock.builder.plan.result import BuildStatus
from flowlock.builder.plan.snapshot import read_snapshot
from flowlock.builder.plan.targets import targets
from flowlock.builder.run import build
from flowlock.builder.worker.native import needs
from flowlock.channel.serve import serving
from flowlock.commands import build_lock as locking
from flowlock.commands.build_stage import BuildSettings, build_named
from flowlock.commands.session import Profile, Session
from flowlock.conda import platforms
from flowlock.errors import FlowlockError
from flowlock.lock.lockfile import document
from flowlock.lock.result import LockOptions
from flowlock.report.reporter import Silent
from flowlock.workspace import load
from shared import SNAPSHOT, needs_snapshot, once
from small import OTHER_PYTHON, THIS_PYTHON, Small

SOURCE = """
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject *answer(PyObject *self, PyObject *args) { return PyUnicode_FromString(PY_VERSION); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, "The Python it was made for."}, {NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "fast", NULL, -1, methods};
PyMODINIT_FUNC PyInit_fast(void) { return PyModule_Create(&module); }
"""
SCRIPT = (
    'cc -shared -fPIC -I"$("${{ PYTHON }}" -c "import sysconfig; print(sysconfig.get_path(\'include\'))")"'
    ' fast.c -o "$SP_DIR/fast.so"'
)
PIN = "${{ pin_compatible('python', upper_bound='x.x') }}"


def merged(urls: list[str], target: Path) -> str:
    """Make one channel of several: two Pythons in two channels would hide each other."""
    for url in urls:
        source = Path(url2pathname(urlsplit(url).path))
        for index in source.glob("*/repodata.json"):
            folder = target / index.parent.name
            folder.mkdir(parents=True, exist_ok=True)
            document = json.loads(index.read_text())
            present = folder / index.name
            if present.exists():
                known = json.loads(present.read_text())["packages.conda"]
                document["packages.conda"] = {**known, **document["packages.conda"]}
            present.write_text(json.dumps(document))
            for file in index.parent.glob("*.conda"):
                if not (folder / file.name).exists():
                    os.link(file, folder / file.name)
    return target.as_uri()


@pytest.fixture(scope="session")
def pythons(tools: str, other_tools: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a channel with two Pythons and the build tools."""
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler here")

    def make(folder: Path) -> None:
        merged([tools, other_tools], folder / "channel")

    return (once(tmp_path_factory, "two-pythons", make) / "channel").as_uri()


def add_fast(small: Small) -> None:
    """Add the extension module, to be built for both Pythons."""
    folder = small.add_data("fast")
    (folder / "fast.c").write_text(SOURCE)
    small.write_recipe(
        "fast",
        {
            "package": {"name": "fast", "version": "1.0"},
            "source": {"path": "../../src/fast"},
            "build": {"script": ['mkdir -p "$SP_DIR"', SCRIPT]},
            "requirements": {
                "host": ["python"],
                "run": [PIN],
            },
            "tests": [{"script": ['python -c "import fast; print(fast.answer())"']}],
        },
    )
    (small.root / "recipes/fast/variants.yaml").write_text(
        json.dumps({"python": [f"{THIS_PYTHON}.*", f"{OTHER_PYTHON}.*"]})
    )


def test_one_recipe_gives_a_build_for_each_python(small: Small, pythons: str) -> None:
    add_fast(small)
    small.add_data("user")
    small.write_recipe("user", {**small.recipe("user"), "requirements": {"run": ["fast"]}})
    result = build(
        read_snapshot(load(small.root), ["user"]), environments=[pythons], test=True, progress=Silent()
    )
    built = {one.artifact.build.split("h")[0]: one for one in result.packages if one.name == "fast"}
    assert set(built) == {f"py{version.replace('.', '')}" for version in (THIS_PYTHON, OTHER_PYTHON)}
    assert [one.tests for one in built.values()] == ["passed", "passed"]
    subdir = small.state.channel / platforms.current()
    for one in built.values():
        with zipfile.ZipFile(subdir / one.artifact.file) as opened:
            assert opened.testzip() is None
    again = build(read_snapshot(load(small.root)), environments=[pythons], test=True, progress=Silent())
    assert {str(one.status) for one in again.packages} == {"current"}
    assert {one.tests for one in again.packages if one.name == "fast"} == {"passed before"}
    # One more value builds that variant and no other.
    (small.root / "recipes/fast/variants.yaml").write_text(json.dumps({"python": [f"{OTHER_PYTHON}.*"]}))
    fewer = build(read_snapshot(load(small.root)), environments=[pythons], progress=Silent())
    assert [one.status for one in fewer.packages if one.name == "fast"] == [BuildStatus.CURRENT]
    assert len(list(subdir.glob("fast-*.conda"))) == 1
    assert built["py" + OTHER_PYTHON.replace(".", "")].artifact.file in {
        path.name for path in subdir.iterdir()
    }


def in_conda_forge(small: Small, *, offline: bool, **settings: object) -> Session:
    """Return a session whose locks of builds are the committed ones; settings go into flowlock.toml."""
    path = small.root / "flowlock.toml"
    channels = json.dumps(settings.get("others", ["conda-forge"]))
    platforms = json.dumps(settings["platforms"])
    text = path.read_text().replace("[channels]", f"[channels]\nothers = {channels}")
    path.write_text(text.replace("[build]", f"[build]\nplatforms = {platforms}"))
    return Session(
        workspace=load(small.root), profile=Profile.CONDA_FORGE, offline=offline, progress=Silent()
    )


def pinned(small: Small) -> dict[str, dict[str, dict[str, str]]]:
    """Return environment → platform → name → version of what the lock of builds pins."""
    held = document.read((small.root / "recipes/build.lock").read_text(), "build.lock")
    return {
        name: {
            platform: {record.name: record.version for record in records}
            for platform, records in environment.packages.items()
        }
        for name, environment in held.environments.items()
    }


def test_each_variant_is_built_from_its_own_locked_environment(small: Small, pythons: str) -> None:
    add_fast(small)
    here = platforms.current()
    with serving(Path(url2pathname(urlsplit(pythons).path))) as url:
        session = in_conda_forge(small, offline=False, platforms=[here], others=[url])
        with pytest.raises(FlowlockError, match=r"recipes/build\.lock does not exist"):
            build_named(session, (), BuildSettings())
        locking.lock(session, LockOptions())
        build_named(session, (), BuildSettings(test=True, jobs=2))
    versions = {name: found[here]["python"][:4] for name, found in pinned(small).items()}
    assert versions == {"fast/host": THIS_PYTHON, f"fast (python {OTHER_PYTHON}.*)/host": OTHER_PYTHON}
    # Nobody serves any more, and nobody is asked.
    before = {one.artifact.build for one in build_named(session, (), BuildSettings()).packages}
    shutil.rmtree(small.state.artifacts)
    again = build_named(session, (), BuildSettings())
    assert {one.status for one in again.packages} == {BuildStatus.BUILT}
    assert {one.artifact.build for one in again.packages} == before


@needs_snapshot
def test_a_native_package_is_locked_where_its_recipe_builds_it(small: Small) -> None:
    add_fast(small)
    recipe = small.recipe("fast")
    recipe["build"]["skip"] = ["win"]
    recipe["requirements"]["host"] += [{"if": "osx", "then": "openssl"}]
    small.write_recipe("fast", recipe)
    session = in_conda_forge(small, offline=True, platforms=["linux-64", "osx-arm64", "win-64"])
    locking.lock(session, LockOptions(repodata=(str(SNAPSHOT),)))
    found = pinned(small)
    assert {name: set(found[name]) for name in found} == {
        "fast/host": {"linux-64", "osx-arm64"},
        f"fast (python {OTHER_PYTHON}.*)/host": {"linux-64", "osx-arm64"},
    }
    assert locking.check(session, targets(session.workspace)) == []
    (small.root / "recipes/fast/variants.yaml").write_text(json.dumps({"python": ["3.13.*"]}))
    stale = [problem.message for problem in locking.check(session, targets(session.workspace))]
    assert stale
    assert all("recipes/build.lock is out of date" in message for message in stale)


def test_an_expression_that_asks_for_our_environment_finds_nothing(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPLOAD_TOKEN", "planted")
    add_fast(small)
    recipe = small.recipe("fast")
    recipe["requirements"]["host"] = ["${{ env.get('UPLOAD_TOKEN', default='nothing') }}"]
    small.write_recipe("fast", recipe)
    here, kept = platforms.current(), small.state.native_needs
    found = needs(targets(load(small.root)), [here], kept=kept)
    assert found["fast"] == {here: {"host": ("nothing",)}}
    assert "planted" not in kept.read_text()
