"""A cache that is killed, damaged, full, shared, not writable, or not to be trusted."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from functools import partial
from pathlib import Path

import pytest

from flowlock_core.store.errors import DamagedError
from flowlock_core.store.folder import StoreFolder
from resumable import Gauges
from shared import ROOT

# Runs the small workflow in forks: undisturbed, then killed before each rename, and resumed after each.
KILLED = textwrap.dedent("""
    import os, shutil, signal, sys
    from pathlib import Path
    from flowlock_core.cli import main
    workflow, folder = sys.argv[1], Path(sys.argv[2])
    main(workflow, ["run", "-q", "--cache", str(folder / "warm"), "--results", str(folder / "warm-r"),
                    "--set", "numbers.count=100"])
    def run(name, at=None, *options):
        child = os.fork()
        if not child:
            seen = [0]
            def hook(event, arguments):
                if event == "os.rename":
                    seen[0] += 1
                    if seen[0] == at:
                        os.kill(os.getpid(), signal.SIGKILL)
            if at:
                sys.addaudithook(hook)
            os.close(1)
            os.open(os.devnull, os.O_WRONLY)
            arguments = ["run", "-q", "--cache", str(folder / "cache"), "--results", str(folder / "r"),
                         "--set", "numbers.count=100"]
            os._exit(main(workflow, [*arguments, *options]))
        return os.waitpid(child, 0)[1]
    def contents():
        files = [path for path in (folder / "r").rglob("*") if path.is_file()]
        # The folder of each run has its own name.
        results = [path for path in files if path.relative_to(folder).parts[1] != "runs"]
        return {str(path.relative_to(folder)): path.read_bytes() for path in results}
    assert run("undisturbed") == 0
    undisturbed, at = contents(), 0
    while True:
        at += 1
        shutil.rmtree(folder / "r"); shutil.rmtree(folder / "cache")
        status = run("killed", at)
        if status == 0:
            break
        assert os.WTERMSIG(status) == signal.SIGKILL, status
        assert run("resumed", None, "--resume") == 0, at
        assert contents() == undisturbed, (at, contents(), undisturbed)
    print(at - 1)
""")


def test_a_run_that_is_killed_at_any_record_is_resumed_to_the_same_bytes(
    gauges: Gauges, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, "-c", KILLED, f"{gauges.package}.workflow:small", str(gauges.folder)]
    environment = {**os.environ, "PYTHONPATH": str(gauges.folder / "code")}
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    killed = int(done.stdout.split()[-1])
    with capsys.disabled():
        print(f"\nkilled at each of {killed} renames, resumed to the same bytes")  # noqa: T201 - the figure
    assert killed > 20


def small(gauges: Gauges, *options: str) -> list[str]:
    (gauges.folder / "small.yaml").write_text("numbers: {count: 100}\n")
    return gauges.run(*options, workflow="small")


def test_a_store_that_is_damaged_in_any_file_gives_the_same_results(gauges: Gauges) -> None:
    small(gauges)
    before = gauges.contents()
    files = sorted(path for path in (gauges.folder / "cache").rglob("*") if path.is_file())
    assert len(files) > 15
    for path in files:
        whole = path.read_bytes()
        damaged = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(0, len(whole), 97)]
        for data in [*damaged, whole[: len(whole) // 2], b""]:
            path.write_bytes(data)
            assert gauges.again("--resume", "--from", "together", workflow="small") == 0
            assert gauges.contents() == before
        path.write_bytes(whole)


def test_a_change_of_any_byte_is_found(gauges: Gauges) -> None:
    small(gauges)
    folder = StoreFolder(gauges.folder / "cache")
    files = [path for path in folder.path.rglob("*") if path.is_file()]
    found = 0
    for path in files:
        kind = path.relative_to(folder.path).parts[0]
        read = folder.object if kind == "objects" else partial(folder.document, kind)
        whole = path.read_bytes()
        for at in range(len(whole)):
            for data in (whole[:at] + bytes([whole[at] ^ 0x20]) + whole[at + 1 :], whole[:at]):
                path.write_bytes(data)
                with pytest.raises(DamagedError):
                    read(path.name)
                found += 1
        path.write_bytes(whole)
    assert found > 10000


def test_damage_is_said_and_mended(gauges: Gauges) -> None:
    small(gauges)
    objects = [path for path in (gauges.folder / "cache/objects").rglob("*") if path.is_file()]
    (numbers,) = (path for path in objects if path.read_bytes().startswith(b'["l",0,1,2'))
    numbers.write_bytes(b"x" * 500)
    # The result of the workflow needs it.
    assert small(gauges, "--from", "together") == ["large", "together"]
    assert "warning: numbers was computed again, because its cached result was damaged" in gauges.err
    assert small(gauges, "--from", "together") == ["together"]
    assert "warning" not in gauges.err


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o707])
def test_a_store_that_others_can_write_is_refused(mode: int, gauges: Gauges) -> None:
    small(gauges)
    (gauges.folder / "cache").chmod(mode)
    assert small(gauges, "--resume") == []
    assert gauges.code == 1
    assert "FL760" in gauges.err
    assert "can be written by other users" in gauges.err
    assert small(gauges, "--no-cache") != []
    assert gauges.code == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_store_of_another_user_is_refused(gauges: Gauges) -> None:
    small(gauges)
    os.chown(gauges.folder / "cache", 65534, 65534)
    small(gauges, "--resume")
    assert gauges.code == 1
    assert "belongs to another user" in gauges.err


def test_a_store_that_cannot_be_written_is_said_once_and_the_run_goes_on(gauges: Gauges) -> None:
    (gauges.folder / "cache").mkdir(mode=0o700)
    for name in ("objects", "entries"):
        (gauges.folder / "cache" / name).write_text("no folder")
    assert "total" in small(gauges)
    assert gauges.code == 0
    assert gauges.err.count("warning: results are not cached: the cache ") == 1


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv takes root's right to write anywhere")
def test_a_store_that_is_only_read_is_reused(gauges: Gauges) -> None:
    small(gauges)
    folders = [path for path in (gauges.folder / "cache").rglob("*") if path.is_dir()]
    for folder in [gauges.folder / "cache", *folders]:
        folder.chmod(0o500)
    # Root could write all the same.
    without = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
    code = "import sys\nfrom flowlock_core.cli import main\nsys.exit(main(sys.argv[1], sys.argv[2:]))"
    command = [*without, sys.executable, "-c", code, f"{gauges.package}.workflow:small", "run", "--resume"]
    options = ["--cache", str(gauges.folder / "cache"), "--results", str(gauges.folder / "r")]
    environment = {**os.environ, "PYTHONPATH": str(gauges.folder / "code"), "PYTHONDONTWRITEBYTECODE": "1"}
    for count, warnings in ((100, 0), (101, 1)):
        done = subprocess.run(
            [*command, *options, "--set", f"numbers.count={count}"],
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("reused   total") == (count == 100)
        assert done.stderr.count("warning: results are not cached: the cache ") == warnings


def test_a_full_disk_is_said_and_the_run_goes_on(gauges: Gauges) -> None:
    code = textwrap.dedent("""
        import resource, signal, sys
        from flowlock_core.cli import main
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
        sys.exit(main(sys.argv[1], sys.argv[2:]))
    """)
    options = ["--cache", str(gauges.folder / "cache"), "--results", str(gauges.folder / "r")]
    command = [sys.executable, "-c", code, f"{gauges.package}.workflow:small", "run", *options]
    environment = {**os.environ, "PYTHONPATH": str(gauges.folder / "code"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [*command, "--only", "total", "--set", "numbers.count=9000"],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "warning: results are not cached: the cache " in done.stderr
    assert not list((gauges.folder / "cache").rglob(".flowlock-tmp-*"))


def at_once(gauges: Gauges, *results: str) -> list[tuple[int, str]]:
    """Run with one cache into folders, all at once; return exit codes and what was said."""
    code = "import sys\nfrom flowlock_core.cli import main\nsys.exit(main(sys.argv[1], sys.argv[2:]))"
    options = ["--resume", "--cache", str(gauges.folder / "together"), "--set", "numbers.count=100"]
    command = [sys.executable, "-c", code, f"{gauges.package}.workflow:small", "run", *options, "--results"]
    environment = {**os.environ, "PYTHONPATH": str(gauges.folder / "code")}
    runs = [
        subprocess.Popen(
            [*command, str(gauges.folder / folder)], env=environment, stderr=subprocess.PIPE, text=True
        )
        for folder in results
    ]
    said = [run.communicate(timeout=120)[1] for run in runs]
    return [(run.returncode, text) for run, text in zip(runs, said, strict=True)]


def test_runs_at_once_with_one_cache_lose_nothing(gauges: Gauges) -> None:
    small(gauges)
    undisturbed = {**gauges.contents(), "result.json": b""}
    for name, (code, err) in zip("abc", at_once(gauges, "a", "b", "c"), strict=True):
        assert code == 0, err
        # The document has the paths of the files.
        assert {**gauges.contents(name), "result.json": b""} == undisturbed


def test_of_runs_at_once_into_one_folder_some_are_refused_and_nothing_is_lost(gauges: Gauges) -> None:
    small(gauges)
    undisturbed = gauges.contents()
    ended = at_once(gauges, "r", "r", "r")
    assert 0 in {code for code, _ in ended}
    for code, err in ended:
        assert code == 0 or (code == 1 and "FL745 another run is writing to" in err), err
    assert gauges.contents() == undisturbed


def test_another_source_behind_a_connections_name_never_gives_an_old_result(
    gauges: Gauges, monkeypatch: pytest.MonkeyPatch
) -> None:
    (gauges.folder / "outside.yaml").write_text("answer: {server: main}\n")
    variable = "FLOWLOCK_CONNECTIONS__SERVER__MAIN__"
    settings = {"HOST": "one.example", "KEY_ID": "k1", "KEY": "planted-secret"}
    for name, value in settings.items():
        monkeypatch.setenv(variable + name, value)
    assert gauges.run("--explain", workflow="outside") == ["asked one.example", "together"]
    assert gauges.run("--resume", "--explain", workflow="outside") == []
    monkeypatch.setenv(variable + "KEY_ID", "k2")
    assert gauges.run("--resume", "--explain", workflow="outside") == ["asked one.example", "together"]
    assert gauges.explained("answer") == "ran because the identity of its connection `server` changed"
    monkeypatch.setenv(variable + "HOST", "two.example")
    assert gauges.run("--resume", workflow="outside") == ["asked two.example", "together"]
    monkeypatch.setenv(variable + "HOST", "one.example")
    assert gauges.run("--resume", workflow="outside") == []
    stored = [path.read_bytes() for path in gauges.folder.rglob("*") if path.is_file()]
    assert not [data for data in stored if b"planted-secret" in data]


def test_a_step_whose_connection_has_no_identity_runs_again_and_the_reason_is_told(
    gauges: Gauges, monkeypatch: pytest.MonkeyPatch
) -> None:
    (gauges.folder / "unidentified.yaml").write_text("answer: {server: main}\n")
    monkeypatch.setenv("FLOWLOCK_CONNECTIONS__ANONYMOUS__MAIN__HOST", "one.example")
    for _ in range(2):
        ran = gauges.run("--resume", "--explain", workflow="unidentified")
        assert ran[0] == "asked_anonymous one.example"
        assert gauges.explained("answer") == "not cached because its connection `server` has no identity"
    assert ran == ["asked_anonymous one.example"]


def test_the_cache_is_listed_collected_and_cleared(gauges: Gauges) -> None:
    from flowlock_core.cli import main

    small(gauges)
    workflow, cache = f"{gauges.package}.workflow:small", ["--cache", str(gauges.folder / "cache")]
    assert main(workflow, ["cache", "ls", *cache, "--json"]) == 0
    listed = json.loads(gauges.capsys.readouterr().out)
    calls = {one["call"] for one in listed["results"]}
    assert calls == {
        *("numbers", "total", "twice[1]", "twice[2]", "twice[3]"),
        *("text", "texts[a]", "texts[b]", "together"),
    }
    assert listed["entries"] == len(calls)
    assert listed["bytes"] > 1000
    assert main(workflow, ["cache", "ls", *cache]) == 0
    assert "9 results, " in gauges.capsys.readouterr().out
    assert main(workflow, ["cache", "gc", *cache]) == 0
    assert "freed 0 B; 9 results, " in gauges.capsys.readouterr().out
    assert main(workflow, ["cache", "gc", *cache, "--max-size", "2.5kB"]) == 0
    assert main(workflow, ["cache", "ls", *cache, "--json"]) == 0
    some = json.loads(gauges.capsys.readouterr().out.partition("\n")[2])
    assert 0 < some["entries"] < 9
    small(gauges, "--resume")
    assert gauges.code == 0
    assert main(workflow, ["cache", "clear", *cache]) == 0
    assert "0 results, 0 B" in gauges.capsys.readouterr().out
    assert main(workflow, ["cache", "gc", *cache, "--max-size", "much"]) == 2


def test_a_resumed_run_with_nothing_to_do_does_not_import_pandas(gauges: Gauges) -> None:
    gauges.run()
    code = (
        "import sys\nfrom flowlock_core.cli import main\n"
        "assert main(sys.argv[1], sys.argv[2:]) == 0\n"
        "sys.exit(bool({'pandas', 'pyarrow', 'numpy'} & set(sys.modules)))"
    )
    options = ["--params", str(gauges.folder / "params.yaml"), "--cache", str(gauges.folder / "cache")]
    command = [sys.executable, "-c", code, f"{gauges.package}.workflow:gauges", "run", "--resume", *options]
    environment = {**os.environ, "PYTHONPATH": str(gauges.folder / "code")}
    done = subprocess.run(
        [*command, "--results", str(gauges.folder / "r")], env=environment, check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr.count(b"reused   ") == 7


def test_the_default_place_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    from flowlock_core.store.cache_folder import default_folder

    assert default_folder({"FLOWLOCK_CACHE_DIR": "/x"}) == Path("/x")
    assert default_folder({"XDG_CACHE_HOME": "/y"}) == Path("/y/flowlock/results")
    monkeypatch.setenv("HOME", str(ROOT))
    assert default_folder({}) == ROOT / ".cache/flowlock/results"
