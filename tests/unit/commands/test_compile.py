"""`compile_workflows` on a real workspace: what it writes, keeps, refuses and removes."""

import contextlib
import shutil
import subprocess
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest

from flowlock import workspace
from flowlock.commands import compile as command
from flowlock.commands.check import check
from flowlock.commands.compile import CompileResult, compile_workflows
from flowlock.commands.init import init
from flowlock.edges import files
from flowlock.errors import FlowlockError
from flowlock.report.reporter import Format, PlainProgress, Silent, failure_text

TODAY = datetime(2026, 11, 1, tzinfo=UTC)
PACKAGE = Path("examples/hello/flowlock-hello-workflow")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new workspace in git with kept signatures, compiled once."""
    root = tmp_path_factory.mktemp("made é") / "space"
    init(root, today=TODAY)
    subprocess.run(["git", "init", "-q", root], check=True)
    compiled(root)
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "space")
    return tmp_path / "space"


def compiled(root: Path, *names: str, check: bool = False) -> CompileResult:
    return compile_workflows(workspace.load(root), names, check=check, progress=Silent())


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_second_compile_changes_nothing(root: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (root / PACKAGE).rglob("*")}
    result = compiled(root)
    assert [one.status for one in result.workflows] == ["current"]
    assert before == {path: path.stat().st_mtime_ns for path in (root / PACKAGE).rglob("*")}


def test_check_names_what_is_out_of_date_and_writes_nothing(root: Path) -> None:
    change(root / "examples/hello/spec.yaml", "Show the trips", "Show all trips")
    before = content(root / PACKAGE)
    result = compiled(root, check=True)
    assert not result.ok
    (one,) = result.workflows
    assert one.status == "stale"
    assert "flowlock_hello_workflow/workflow.py" in one.changed
    assert content(root / PACKAGE) == before
    assert "workflow.py" in result.as_text()
    assert compiled(root).workflows[0].status == "updated"
    assert compiled(root, check=True).ok


def test_the_manifest_is_what_sha256sum_reads(root: Path) -> None:
    done = subprocess.run(
        ["sha256sum", "-c", "GENERATED.sha256"],
        cwd=root / PACKAGE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_file_that_was_changed_by_hand_is_named_and_kept(root: Path) -> None:
    workflow = root / PACKAGE / "flowlock_hello_workflow/workflow.py"
    workflow.write_text(workflow.read_text() + "# mine\n")
    change(root / "examples/hello/spec.yaml", "Show the trips", "Show all trips")
    before = content(root / PACKAGE)
    with pytest.raises(FlowlockError) as raised:
        compiled(root)
    (problem,) = raised.value.problems
    assert problem.code == "FL203"
    assert problem.location is not None
    assert problem.location.file == f"{PACKAGE.as_posix()}/flowlock_hello_workflow/workflow.py"
    assert content(root / PACKAGE) == before
    assert not compiled(root, check=True).ok
    workflow.unlink()
    assert compiled(root).ok


def test_files_beside_the_generated_ones_are_left_alone(root: Path) -> None:
    mine = root / PACKAGE / "NOTES.md"
    mine.write_text("mine")
    change(root / "examples/hello/spec.yaml", "Show the trips", "Show all trips")
    compiled(root)
    assert mine.read_text() == "mine"


def stale_file(root: Path) -> Path:
    """Put a file into the package as an earlier version of flowlock would have."""
    path = root / PACKAGE / "flowlock_hello_workflow/old.py"
    path.write_text("old\n")
    manifest = root / PACKAGE / "GENERATED.sha256"
    manifest.write_text(manifest.read_text() + f"{files.sha256_of(path)}  flowlock_hello_workflow/old.py\n")
    return path


def test_a_file_that_is_no_longer_generated_is_removed(root: Path) -> None:
    path = stale_file(root)
    assert compiled(root, check=True).workflows[0].removed == ("flowlock_hello_workflow/old.py",)
    compiled(root)
    assert not path.exists()


def test_one_that_was_changed_by_hand_is_not(root: Path) -> None:
    path = stale_file(root)
    path.write_text("mine now\n")
    with pytest.raises(FlowlockError, match="changed by hand"):
        compiled(root)
    assert path.exists()


def test_a_manifest_cannot_have_files_elsewhere_deleted(root: Path) -> None:
    victim = root / "examples/hello/params.yaml"
    manifest = root / PACKAGE / "GENERATED.sha256"
    digest = files.sha256_of(victim)
    manifest.write_text(f"{manifest.read_text()}{digest}  ../params.yaml\n{digest}  {victim}\n")
    compiled(root)
    assert victim.exists()


@pytest.mark.parametrize("writes", range(9))
def test_a_compile_that_is_killed_leaves_nothing_that_looks_changed_by_hand(
    root: Path, writes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(root / "examples/hello/spec.yaml", "Show the trips", "Show all trips")
    change(root / "flowlock.toml", 'version = "0.1.0"', 'version = "0.2.0"')
    left = writes
    write = files.write_bytes

    def dying(path: Path, data: bytes) -> None:
        nonlocal left
        if PACKAGE.name in path.parts:
            if left == 0:
                raise KeyboardInterrupt
            left -= 1
        write(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_bytes", dying)
        with contextlib.suppress(KeyboardInterrupt):
            compiled(root)
    # The spec goes on changing, so that what was half-written equals neither state.
    change(root / "examples/hello/spec.yaml", "Show all trips", "Show every trip")
    compiled(root)
    assert compiled(root, check=True).ok


def test_problems_of_all_specs_are_told_together_and_nothing_is_written(root: Path) -> None:
    shutil.copytree(root / "examples/hello", root / "examples/other")
    change(root / "examples/hello/spec.yaml", "task: load_table", "task: load_tabel")
    before = content(root / "examples")
    with pytest.raises(FlowlockError) as raised:
        compiled(root)
    found = {(problem.code, problem.location.file) for problem in raised.value.problems if problem.location}
    assert found == {("FL130", "examples/hello/spec.yaml"), ("FL123", "examples/other/spec.yaml")}
    assert content(root / "examples") == before


def test_a_failure_shows_the_line_and_the_value(root: Path) -> None:
    change(root / "examples/hello/spec.yaml", "task: load_table", "task: load_tabel")
    with pytest.raises(FlowlockError) as raised:
        compiled(root)
    lines = failure_text(raised.value).splitlines()
    caret = next(n for n, line in enumerate(lines) if "^" in line)
    assert lines[caret - 1].partition("| ")[2].strip() == "task: load_tabel"
    assert lines[caret].count("^") == len("load_tabel")


def test_warnings_are_noted_and_nothing_is_held_up(root: Path) -> None:
    spec = root / "examples/hello/spec.yaml"
    extra = "workflow:\n  - {id: spare, task: load_table}\n"
    change(spec, "workflow:\n", extra)
    noted = StringIO()
    result = compile_workflows(workspace.load(root), (), check=False, progress=PlainProgress(noted))
    assert result.workflows[0].status == "updated"
    assert "2 warnings in the specs: see `flowlock check`" in noted.getvalue()
    # They give no value for the step that this test adds.
    for name in ("params.yaml", "test-cases.yaml"):
        (spec.parent / name).unlink()
    checked = check(workspace.load(root), [], form=Format.TEXT, progress=Silent())
    assert checked.ok
    assert {problem["code"] for problem in checked.as_json()["warnings"]} == {"FL170", "FL171"}
    assert not checked.as_json()["problems"]
    assert checked.as_text().endswith("2 warnings")


@pytest.mark.parametrize(
    ("data", "code", "line"),
    [
        (b"id: \xff", "FL106", 1),
        (b"a: 1\nb: \xe9\n", "FL106", 2),
        (b"", "FL104", 1),
        (b"\xef\xbb\xbf", "FL104", 1),
    ],
)
def test_a_spec_that_cannot_be_read_is_a_problem(root: Path, data: bytes, code: str, line: int) -> None:
    (root / "examples/hello/spec.yaml").write_bytes(data)
    with pytest.raises(FlowlockError) as raised:
        compiled(root)
    (problem,) = raised.value.problems
    assert problem.code == code
    assert problem.location is not None
    assert problem.location.line == line


def test_a_missing_spec_is_a_problem(tmp_path: Path) -> None:
    text, (problem,) = command.read_text(tmp_path / "nowhere.yaml", "nowhere.yaml")
    assert not text
    assert problem.code == "FL012"


def test_line_ends_of_windows_make_no_difference(root: Path) -> None:
    for path in (root / "examples/hello/spec.yaml", root / PACKAGE / "flowlock_hello_workflow/workflow.py"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert compiled(root, check=True).ok


def test_an_unknown_name_of_a_workflow_is_told_with_the_nearest(root: Path) -> None:
    with pytest.raises(FlowlockError) as raised:
        compiled(root, "helo")
    assert raised.value.problems[0].hint == "did you mean `hello`?"


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


def test_check_says_whether_parameters_changed_compatibly_since_the_last_release(root: Path) -> None:
    assert compiled(root, check=True).workflows[0].parameters is None
    git(root, "add", "-A")
    git(root, "commit", "-qm", "All")
    git(root, "tag", "v0.9.0")
    git(root, "tag", "v0.10.0")
    git(root, "tag", "v1.0.0rc1")
    (one,) = compiled(root, check=True).workflows
    assert one.parameters is not None
    assert (one.parameters.since, one.parameters.part) == ("v0.10.0", "none")
    assert "parameters" not in compiled(root).as_json()["workflows"][0]
    change(root / "examples/hello/spec.yaml", "workflow:\n", "workflow:\n  - {id: spare, task: load_table}\n")
    result = compiled(root, check=True)
    assert result.workflows[0].parameters is not None
    assert result.workflows[0].parameters.part == "major"
    assert "spare: is new and required" in result.as_text()
    assert result.as_json()["workflows"][0]["parameters"]["changes"][0]["breaking"]


def test_a_folder_means_all_specs_below_it_but_those_of_hidden_folders(root: Path) -> None:
    other = root / "examples" / "other" / "spec.yaml"
    for path in (other, root / "examples" / ".old" / "spec.yaml"):
        path.parent.mkdir()
        path.write_text("id: other\nworkflow:\n\t- id: a\n")
    space = workspace.load(root)
    result = check(space, [root / "examples"], form=Format.TEXT, progress=Silent())
    assert result.specs == 2
    (problem,) = result.problems
    assert problem.location is not None
    assert (problem.location.file, problem.location.line) == ("examples/other/spec.yaml", 3)
