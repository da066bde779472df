"""Results that go to a URL: which URLs are taken, and the files of this machine by file: URLs."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flowlock_core.cli import main
from flowlock_core.errors import UsageError, WorkflowError
from flowlock_core.runs.blobs import FileBlobs
from flowlock_core.runs.identity import new_run_id
from flowlock_core.runs.results_url import ResultsUrl


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("s3://rivers", "s3://rivers"),
        ("s3://rivers/a/b é/", "s3://rivers/a/b é"),
        ("gs://rivers/a%20b", "gs://rivers/a b"),
        ("az://box/..a/b..c", "az://box/..a/b..c"),
        ("file:///tmp/a", "file:///tmp/a"),
        ("file:/tmp/a", "file:///tmp/a"),
        ("file:///tmp/a%20é%25/", "file:///tmp/a%20%C3%A9%25"),
    ],
)
def test_urls_of_results(text: str, url: str) -> None:
    parsed = ResultsUrl.parse(text)
    assert parsed is not None
    assert str(parsed) == url
    # What is printed can be used again.
    assert ResultsUrl.parse(url) == parsed


@pytest.mark.parametrize("path", ["results", "/a/b", "a:b", "C:\\results", "../up"])
def test_paths_are_not_urls(path: str) -> None:
    assert ResultsUrl.parse(path) is None


@pytest.mark.parametrize(
    "text",
    [
        "s3://rivers/../other",
        "s3://rivers/a/..",
        "s3://rivers/%2e%2e/other",
        "s3://rivers/%252E%252e/other",
        "s3://rivers/.%2E/other",
        "file:///tmp/a/%2e%2e/b",
        "file:///tmp/./b",
        "file://host/tmp",
        "s3://rivers/a\\b",
        "s3://rivers/a%00b",
        "s3:///a",
        "s3://key:secret@rivers/a",
        "s3://rivers/a?versionId=1",
        "https://example.org/a",
        "s3://[rivers/a",
    ],
)
def test_a_url_that_leads_elsewhere_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        ResultsUrl.parse(text)
    assert caught.value.problems[0].code == "FL748"
    assert "secret" not in str(caught.value)


def blobs_of(folder: Path) -> FileBlobs:
    url = ResultsUrl.parse(folder.as_uri())
    assert url is not None
    return FileBlobs(url)


def test_files_by_keys(tmp_path: Path) -> None:
    blobs = blobs_of(tmp_path / "r é")
    source = tmp_path / "source"
    source.write_bytes(b"two")
    assert blobs.keys("runs") == []
    assert blobs.get("runs/a") is None
    blobs.create("runs/a/b", b"one")
    with pytest.raises(WorkflowError, match="runs/a/b already exists"):
        blobs.create("runs/a/b", b"other")
    assert blobs.get("runs/a/b") == b"one"
    blobs.put("runs/a/b", source)
    blobs.put("c", source)
    assert (blobs.get("runs/a/b"), blobs.keys("runs"), blobs.keys("runs/a")) == (
        b"two",
        ["runs/a/b"],
        ["runs/a/b"],
    )
    blobs.delete(["runs/a/b", "runs/absent"])
    assert [path.name for path in (tmp_path / "r é").iterdir()] == ["c"]


def test_links_that_lead_out_are_refused(tmp_path: Path) -> None:
    outside, root, source = tmp_path / "outside", tmp_path / "root", tmp_path / "source"
    outside.mkdir()
    root.mkdir()
    source.write_text("new")
    (outside / "file").write_text("old")
    (root / "runs").symlink_to(outside)
    (root / "file").symlink_to(outside / "file")
    (root / "inside").symlink_to(root)
    blobs = blobs_of(root)
    for refused in (
        lambda: blobs.create("runs/x", b""),
        lambda: blobs.put("runs/x/y", source),
        lambda: blobs.put("../x", source),
        lambda: blobs.get("runs/file"),
        lambda: blobs.get("file"),
        lambda: blobs.keys("runs"),
        lambda: blobs.delete(["runs/file"]),
    ):
        with pytest.raises(WorkflowError, match="leads out of"):
            refused()
    blobs.put("file", source)
    assert (root / "file").read_text() == "new"
    blobs.put("inside/there", source)
    assert (root / "there").read_text() == "new"
    assert [(path.name, path.read_text()) for path in outside.iterdir()] == [("file", "old")]


class Run:
    """Runs of the sample workflow whose results go to a URL."""

    def __init__(self, package: str, url: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.package, self.url, self.capsys = package, url, capsys
        self.code, self.err = 0, ""

    def __call__(self, *arguments: str) -> Any:
        options = ["--json", "--results", self.url]
        self.code = main(f"{self.package}.workflow:sample", [*arguments, *options])
        out, self.err = self.capsys.readouterr()
        return json.loads(out)

    def run(self, *arguments: str) -> Any:
        return self("run", "-q", "--no-cache", "--params", "params.yaml", *arguments)


@pytest.fixture
def run(
    package: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return Run(package, (tmp_path / "remote").as_uri(), capsys)


def staged(tmp_path: Path) -> list[Path]:
    return list(tmp_path.glob("flowlock-results-*"))


def test_a_run_to_a_file_url(run: Run, tmp_path: Path) -> None:
    done = run.run()
    assert done["files"] == [f"{run.url}/result.json", f"{run.url}/dashboard.html"]
    assert json.loads((tmp_path / "remote/result.json").read_text())["workflow"] == "sample"
    (listed,) = run("runs", "ls")["runs"]
    assert (listed["id"], listed["state"], listed["steps"]) == (done["run"], "done", 4)
    shown = run("runs", "show", done["run"])
    assert shown["folder"] == f"{run.url}/runs/{done['run']}"
    assert [record["status"] for record in shown["records"]] == ["done"] * 4
    assert "dashboard.html" in shown["files"]
    assert run("runs", "rm", done["run"]) == {"removed": [done["run"]]}
    assert sorted(path.name for path in (tmp_path / "remote").iterdir()) == ["dashboard.html", "result.json"]
    assert "has no runs" in run("runs", "show", done["run"])["message"]
    assert not staged(tmp_path)


def test_a_failed_run_is_uploaded_too(run: Run, tmp_path: Path) -> None:
    run.run("--set", "table.path=absent.csv")
    assert run.code == 1
    (listed,) = run("runs", "ls")["runs"]
    assert listed["state"] == "failed"
    run.run("--set", "table.paht=absent.csv")
    assert run.code == 1
    assert len(run("runs", "ls")["runs"]) == 1
    assert not staged(tmp_path)


def test_a_url_that_cannot_be_written_stops_the_run_before_its_first_step(run: Run, tmp_path: Path) -> None:
    (tmp_path / "remote").write_text("a file")
    (problem,) = run.run()["problems"]
    assert problem["code"] == "FL749"
    assert not staged(tmp_path)


def test_results_that_cannot_be_uploaded_are_kept(run: Run, tmp_path: Path) -> None:
    (tmp_path / "remote/result.json/in-the-way").mkdir(parents=True)
    failed = run.run()
    assert (run.code, failed["problems"][0]["code"]) == (1, "FL749")
    (folder,) = staged(tmp_path)
    assert f"the results were kept in {folder}" in failed["message"]
    assert json.loads((folder / "result.json").read_text())["workflow"] == "sample"


def test_a_run_whose_process_is_elsewhere_is_only_removed_by_force(run: Run, tmp_path: Path) -> None:
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], check=True, capture_output=True
    )
    ids = [new_run_id(), new_run_id()]
    for name, host, process in ((ids[0], os.uname().nodename, int(gone.stdout)), (ids[1], "elsewhere", 1)):
        folder = tmp_path / "remote/runs" / name
        folder.mkdir(parents=True)
        document = {"state": "running", "host": host, "process": process}
        (folder / "run.json").write_text(json.dumps(document))
    assert [listed["state"] for listed in run("runs", "ls")["runs"]] == ["interrupted", "running"]
    (problem,) = run("runs", "rm", *ids)["problems"]
    assert problem["code"] == "FL747"
    assert run("runs", "rm", *ids, "--force") == {"removed": ids}


def test_a_connection_is_only_for_s3(run: Run) -> None:
    failed = run.run("--results-connection", "lake")
    assert (run.code, failed["problems"][0]["code"]) == (2, "FL739")


def test_obstore_is_imported_for_buckets_only_and_its_absence_is_told(package: str, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom flowlock_core.cli import main\n"
        "sys.modules['obstore'] = None if sys.argv[1] == 'absent' else sys.modules.pop('obstore', None)\n"
        "if sys.argv[1] != 'absent': del sys.modules['obstore']\n"
        "code = main(sys.argv[2], sys.argv[3:])\n"
        "print('imported' if sys.modules.get('obstore') else 'not imported')\nsys.exit(code)"
    )

    def done(how: str, results: str) -> "subprocess.CompletedProcess[str]":
        arguments = ["run", "-q", "--mock-io", "--no-cache", "--results", results]
        return subprocess.run(
            [sys.executable, "-c", code, how, f"{package}.workflow:sample", *arguments],
            env={**os.environ, "PYTHONPATH": str(tmp_path / "paths é")},
            check=False,
            capture_output=True,
            text=True,
        )

    local = done("present", (tmp_path / "r").as_uri())
    assert (local.returncode, local.stdout.splitlines()[-1]) == (0, "not imported"), local.stderr
    absent = done("absent", "s3://rivers/r")
    assert absent.returncode == 1
    assert "FL753 the package obstore is not in the environment" in absent.stderr
    assert '`- {name: obstore, version: ">=0.6"}`' in absent.stderr
