"""Builds side by side: they link to the same unpacked packages, and see nothing of each other."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from flowlock.builder.plan.result import BuildStatus
from flowlock.builder.worker.sandbox import available
from flowlock.errors import FlowlockError
from shared import require_part
from small import Small, processes

WORKER = "-m flowlock.builder.worker"
PYTHON = '"${{ PYTHON }}"'
# The build's own interpreter appends to a file of its environment.
APPEND = f"""{PYTHON} -c 'import json; open(json.__file__, "a").write("\\nraise SystemExit(3)\\n")'"""
# What tools do that keep times: the file is older than anything that happens here.
COPY_OLD = (
    "touch -d 2020-01-01 alpha.css; cp -p alpha.css "
    f"\"$({PYTHON} -c 'import pydoc_data; print(*pydoc_data.__path__)')/_pydoc.css\""
)
FORBID = 'chmod a-x "$PREFIX/bin/uv"'
# The engine keeps the path of its cache from scripts; from where they work it is always as far.
PACKAGES = '"$SRC_DIR"/../../../../../packages/pkgs'
ADD = f"touch {PACKAGES}/planted {PACKAGES}/uv-*/planted.py; mkdir {PACKAGES}/planted-1.0-0"
# As installers and `sed -i` do: another file takes the name.
REPLACE = (
    f'{PYTHON} -c \'import json, os; new = open(json.__file__ + "x", "w"); '
    'new.write(open(json.__file__).read() + "\\nx = 1\\n"); new.close(); '
    "os.replace(new.name, json.__file__)'"
)


@pytest.fixture
def unshared(small: Small) -> Small:
    """A workspace whose unpacked packages no other test links to."""
    small.share_packages()
    own = small.packages.with_name("own")
    shutil.copytree(small.packages, own, symlinks=True)
    shutil.rmtree(small.packages)
    own.rename(small.packages)
    return small


def unpacked(small: Small) -> dict[str, tuple[int, bytes]]:
    """Return the mode and contents of every unpacked file that an environment may link to."""
    return {
        path.relative_to(small.packages).as_posix(): (path.stat().st_mode, path.read_bytes())
        for path in small.packages.glob("pkgs/*/**/*")
        if path.is_file() and not path.is_symlink()
    }


def package(small: Small, name: str) -> Path:
    """Return the folder of an unpacked package."""
    (folder,) = (path for path in small.packages.glob(f"pkgs/{name}-*") if path.is_dir())
    return folder


def test_environments_are_links_to_the_unpacked_packages(small: Small) -> None:
    require_part(found=available() is not None, part="a bubblewrap that works")
    small.add("alpha", script='test "$(stat -c %h "$PREFIX/bin/uv")" -gt 1')
    small.build()


@pytest.mark.parametrize("linked", [False, True])
def test_a_build_sees_nothing_of_the_one_beside_it(small: Small, tmp_path: Path, *, linked: bool) -> None:
    require_part(found=available() is not None, part="a bubblewrap that works")
    state = small.state.path
    if linked:
        (tmp_path / "elsewhere").mkdir()
        state.symlink_to(tmp_path / "elsewhere")
    for name in ("alpha", "beta"):
        count_jobs = (
            f"find '{state}/' '{state.resolve()}/' -name job.json | xargs -d '\\n' realpath | sort -u | wc -l"
        )
        small.add_data(name, script=f'sleep 1; test "$({count_jobs})" = 1')
    small.build(jobs=2)


@pytest.mark.parametrize("script", [APPEND, COPY_OLD, FORBID, ADD])
def test_a_script_that_changes_a_shared_file_is_refused_alone_and_harms_nobody(
    unshared: Small, script: str
) -> None:
    unshared.add_data("first")
    unshared.build("first")
    before = unpacked(unshared)
    folder = unshared.add("broken", script=script)
    (folder / "alpha.css").write_text("old")
    for name in ("beside", "later"):
        # They would fail if what `broken` did were still there.
        unshared.add(name, script=f"{PYTHON} -c 'import json'; sleep 1")
    with pytest.raises(FlowlockError) as caught:
        unshared.build(jobs=2)
    assert [(one.code, one.message.split()[0]) for one in caught.value.problems] == [("FL535", "broken")]
    shutil.rmtree(unshared.root / "src/broken")
    rest = {one.name: one.status for one in unshared.build().packages}
    assert rest == {"first": BuildStatus.CURRENT, "beside": BuildStatus.CACHED, "later": BuildStatus.CACHED}
    unshared.add("last", script=f"{PYTHON} -c 'import json'")
    unshared.build()
    assert unpacked(unshared) == before
    assert not list(unshared.packages.glob("pkgs/planted*"))


def test_a_script_that_writes_a_new_file_under_the_name_harms_nobody(unshared: Small) -> None:
    before = unpacked(unshared)
    unshared.add("tidy", script=REPLACE)
    unshared.build("tidy")
    assert unpacked(unshared) == before


def test_a_test_that_changes_what_others_link_to_is_refused(unshared: Small) -> None:
    unshared.add("alpha")
    unshared.build()
    recipe = unshared.recipe("alpha")
    append = APPEND.replace("${{ PYTHON }}", "python")
    unshared.write_recipe("alpha", {**recipe, "tests": [{"script": [append]}]})
    before = unpacked(unshared)
    with pytest.raises(FlowlockError) as caught:
        unshared.build(test=True)
    assert [problem.code for problem in caught.value.problems] == ["FL535"]
    unshared.add("beta")
    unshared.build()
    assert unpacked(unshared) == before


def cut_metadata(small: Small) -> None:
    (package(small, "pathspec") / "info/paths.json").write_bytes(b"")


def lose_a_module(small: Small) -> None:
    (package(small, "packaging") / "site-packages/packaging/version.py").unlink()


def begin_to_unpack(small: Small) -> None:
    (small.packages / "pkgs/.half-1.0-0_xyz/info").mkdir(parents=True)
    (small.packages / "pkgs/.half-1.0-0_xyz/info/paths.json").touch()


def write_into_a_module(small: Small) -> None:
    module = next(package(small, "python").glob("lib/python*/json/__init__.py"))
    module.write_bytes(module.read_bytes() + b"\nraise SystemExit(3)\n")
    os.utime(module, (0, 0))


@pytest.mark.parametrize("recorded", [True, False])
def test_what_a_killed_build_left_of_the_unpacked_packages_is_mended(
    unshared: Small, *, recorded: bool
) -> None:
    before = unpacked(unshared)
    unshared.add("alpha")
    unshared.build()
    if not recorded:
        unshared.state.unpacked_digests.unlink()
    for harm in (cut_metadata, lose_a_module, begin_to_unpack, write_into_a_module):
        harm(unshared)
    unshared.add("beta", script=f"{PYTHON} -c 'import json'")
    unshared.build()
    assert unpacked(unshared) == before


def test_what_scripts_leave_beside_their_working_directories_is_gone(small: Small, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    workers = small.state.workers
    small.add_data(
        "alpha",
        script=f"mkdir '{workers}/stash'; chmod a-w '{workers}/stash'; "
        f"ln -s '{outside}' '{workers}/worker-7'; "
        "mkdir -p deep/er; chmod a-w deep/er deep",
    )
    small.build(jobs=1)
    assert small.leftovers() == []
    assert sorted(path.name for path in workers.iterdir()) == ["packages"]
    assert list(outside.iterdir()) == []
    shutil.rmtree(workers)
    workers.mkdir()
    (workers / "packages").write_text("in the way")
    small.add_data("beta")
    small.build()


def test_a_build_with_nothing_to_do_removes_what_a_killed_one_left(small: Small) -> None:
    small.add_data("alpha")
    small.build()
    for name in ("workers/worker-0/work", "tmp/needs", "verify/worker-0"):
        (small.state.path / name).mkdir(parents=True)
    assert small.build().current
    assert small.leftovers() == []


def test_without_a_sandbox_a_killed_flowlock_takes_its_worker_along(small: Small, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("git", "sh", "sleep"):
        (tools / name).symlink_to(str(shutil.which(name)))
    small.add_data("slow", script="sleep 4")
    environment = {**os.environ, "PATH": str(tools)}
    job = f"{WORKER} {small.root}"
    with subprocess.Popen(small.process(), env=environment, stderr=subprocess.DEVNULL) as running:
        wait_for(lambda: job in processes())
        running.send_signal(signal.SIGKILL)
    wait_for(lambda: job not in processes())


def wait_for(condition: object) -> None:
    assert callable(condition)
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_workspace_whose_path_is_too_long_for_the_engine_is_told_so(tmp_path: Path, tools: str) -> None:
    deep = Small(tmp_path / ("d" * 120) / ("e" * 40), tools)
    deep.add("alpha-with-a-name-of-some-length")
    with pytest.raises(FlowlockError) as caught:
        deep.build()
    problem = caught.value.problems[0]
    assert problem.code == "FL530"
    assert "move the workspace to a shorter path" in (problem.hint or caught.value.hint or "")


def test_what_is_in_the_host_environment_of_a_package_is_an_input_of_it(small: Small) -> None:
    base = small.add_data("base", "one")
    small.add_data("user", script='cp "$PREFIX/share/base.txt" data.txt')
    recipe = small.recipe("user")
    small.write_recipe("user", {**recipe, "requirements": {"host": ["base"]}})
    first = {one.name: one.artifact.file for one in small.build().packages}
    (base / "data.txt").write_text("two")
    assert small.reasons() == {
        "base": "source changed (data.txt)",
        "user": "the build environment changed (base)",
    }
    second = {one.name: one.artifact.file for one in small.build().packages}
    assert first["user"] != second["user"]
