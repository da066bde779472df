"""A C extension on two Pythons: rattler-build's variants, passed through."""

import json
import os
import shutil
import sys
import zipfile
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest

from flowlock import platforms
from flowlock.build import Status, build
from flowlock.report import Silent
from flowlock.workspace import load
from small import Small, another_python, make_base

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
    """Make one channel of several: two Pythons that lie in two channels would hide each other."""
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


def test_one_recipe_gives_a_build_for_each_python(small: Small, tmp_path: Path) -> None:
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler here")
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    there = "3.12" if here != "3.12" else "3.11"
    other = another_python(there)
    if other is None:
        pytest.skip(f"there is no Python {there} here that can be packed")
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
                "run": ["${{ pin_compatible('python', upper_bound='x.x') }}"],
            },
            "tests": [{"script": ['python -c "import fast; print(fast.answer())"']}],
        },
    )
    config = small.root / "recipes/fast/variants.yaml"
    config.write_text(json.dumps({"python": [f"{here}.*", f"{there}.*"]}))
    small.add_data("user")
    small.write_recipe("user", {**small.recipe("user"), "requirements": {"run": ["fast"]}})
    channels = [merged([small.channel_url, make_base(tmp_path, other)], tmp_path / "channel")]
    result = build(load(small.root), ["user"], environments=channels, test=True, progress=Silent())
    built = {one.build.split("h")[0]: one for one in result.packages if one.name == "fast"}
    assert set(built) == {f"py{version.replace('.', '')}" for version in (here, there)}
    assert [one.tests for one in built.values()] == ["passed", "passed"]
    subdir = small.root / ".flowlock/channel" / platforms.current()
    for one in built.values():
        with zipfile.ZipFile(subdir / one.file) as opened:
            assert opened.testzip() is None
    again = build(load(small.root), environments=channels, test=True, progress=Silent())
    assert {str(one.status) for one in again.packages} == {"current"}
    assert {one.tests for one in again.packages if one.name == "fast"} == {"passed before"}
    # One more value builds that variant and no other.
    config.write_text(json.dumps({"python": [f"{there}.*"]}))
    fewer = build(load(small.root), environments=channels, progress=Silent())
    assert [one.status for one in fewer.packages if one.name == "fast"] == [Status.CURRENT]
    assert len(list(subdir.glob("fast-*.conda"))) == 1
    assert built["py" + there.replace(".", "")].file in {path.name for path in subdir.iterdir()}
