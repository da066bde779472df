"""Other clients create the workflow's environment from `channel serve`, and its command runs in it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from checkout import Checkout
from flowlock.channel.serve import serving
from servers.real import environment
from shared import ROOT

WORKFLOW = "flowlock-penguins-workflow"
CONDA = ROOT / ".parts/conda"
# What conda needs of the Python index. That has no wheel of its usual engine: python-sat is another one that
# its classic solver takes. Nor has it menuinst, which makes entries in the menus of desktops.
NEEDS = (
    "archspec>=0.2.3",
    "backports.zstd>=1.3; python_version < '3.14'",
    "boltons>=23",
    "charset-normalizer",
    "conda-package-handling>=2.2",
    "distro>=1.5",
    "frozendict>=2.4.2",
    "msgpack>=1.1.1",
    "packaging>=23",
    "platformdirs>=3.10",
    "pluggy>=1.6",
    "python-sat",
    "requests>=2.28",
    "ruamel.yaml<0.20",
    "setuptools>=60",
    "tqdm>=4",
    "truststore>=0.8",
)
MENUINST = "menuinst/__init__.py"
RATTLER = """
import asyncio, sys
import rattler

async def main(prefix, name, *urls):
    channels = [rattler.Channel(url) for url in urls]
    platforms = [rattler.Platform.current(), rattler.Platform("noarch")]
    virtual = [package.into_generic() for package in rattler.VirtualPackage.detect()]
    records = await rattler.solve(
        channels, [name], gateway=rattler.Gateway(cache_dir=prefix + ".repodata"), platforms=platforms,
        virtual_packages=virtual,
    )
    await rattler.install(records, target_prefix=prefix, cache_dir=prefix + ".packages", show_progress=False)

asyncio.run(main(*sys.argv[1:]))
"""


@contextmanager
def served(checkout: Checkout) -> Iterator[Sequence[str]]:
    """Yield the URLs of the local channel, served by the command, and of the embedded base."""
    command = [sys.executable, "-m", "flowlock", "-C", str(checkout.root), "channel", "serve", "--port", "0"]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert running.stderr is not None
        url = re.search(r"http://127\.0\.0\.1:\d+", running.stderr.readline())
        assert url is not None
        with serving(checkout.state.running_base) as base:
            yield url[0], base
    finally:
        running.terminate()
        running.communicate()


def run_penguins(prefix: Path, results: Path) -> list[str]:
    """Run the workflow as installed, with nothing of this process's environment, and return its results."""
    params = ROOT / "examples/penguins/params.yaml"
    command = [str(prefix / "bin" / WORKFLOW), "--json", "run"]
    options = ["--params", str(params), "--results", str(results)]
    done = subprocess.run([*command, *options], env={"PATH": os.defpath}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    json.loads(done.stdout)
    return sorted(path.name for path in results.iterdir())


def test_py_rattler_in_a_process_of_its_own(synced: Checkout, tmp_path: Path) -> None:
    prefix = tmp_path / "environment"
    with served(synced) as urls:
        subprocess.run([sys.executable, "-c", RATTLER, str(prefix), WORKFLOW, *urls], check=True)
    assert "dashboard.html" in run_penguins(prefix, tmp_path / "results")


def test_conda_with_its_classic_solver(
    synced: Checkout, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if not (CONDA / "conda/__main__.py").is_file():
        pytest.skip("a clone of conda is not in .parts/conda: `make test-parts` makes one where it can")
    python = environment(tmp_path_factory, "conda-client", NEEDS)
    absent = tmp_path / "absent"
    (absent / MENUINST).parent.mkdir(parents=True)
    (absent / MENUINST).touch()
    variables = {
        "PATH": os.defpath,
        "HOME": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(map(str, (CONDA, absent))),
        "CONDA_SAT_SOLVER": "pysat",
        "CONDA_PKGS_DIRS": str(tmp_path / "packages"),
    }
    prefix = tmp_path / "environment"
    with served(synced) as (ours, base):
        command = [str(python), "-m", "conda", "create", "--yes", "--quiet", "--solver", "classic"]
        channels = ["--override-channels", "--channel", ours, "--channel", base]
        done = subprocess.run(
            [*command, *channels, "--prefix", str(prefix), WORKFLOW],
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    # Where conda installs, nothing is compiled at the first start.
    modules = list(prefix.glob("lib/python*/site-packages/flowlock_core/*.py"))
    assert modules
    assert all(list(path.parent.glob(f"__pycache__/{path.stem}.*.pyc")) for path in modules)
    # A stock conda adds pip to every environment with Python.
    assert list((prefix / "conda-meta").glob("pip-*.json"))
    assert "dashboard.html" in run_penguins(prefix, tmp_path / "results")
