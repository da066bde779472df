"""One run at a time writes into a results folder."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flowlock_core.command.results_folder import claimed
from flowlock_core.errors import WorkflowError
from resumable import Gauges

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot lock a folder")


def test_a_run_into_the_folder_of_another_one_is_refused_before_any_step(gauges: Gauges) -> None:
    (gauges.folder / "small.yaml").write_text("numbers: {count: 10}\n")
    gauges.run(workflow="small")
    before = gauges.contents()
    (gauges.folder / "small.yaml").write_text("numbers: {count: 20}\n")
    with claimed(gauges.folder / "r"):
        assert gauges.run(workflow="small") == []
    assert gauges.code == 1
    assert f"FL745 another run is writing to {gauges.folder / 'r'}" in gauges.err
    assert "--results" in gauges.err
    assert gauges.contents() == before
    assert "total" in gauges.run(workflow="small")


def test_a_killed_run_leaves_its_folder_to_others(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\n"
        "from flowlock_core.command.results_folder import claimed\n"
        "with claimed(Path(sys.argv[1])):\n    print('claimed', flush=True)\n    time.sleep(60)"
    )
    folder = tmp_path / "a/b"
    with subprocess.Popen([sys.executable, "-c", code, folder], stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert other.stdout.readline() == b"claimed\n"
        with pytest.raises(WorkflowError, match="another run is writing to"), claimed(folder):
            pass
        other.send_signal(signal.SIGKILL)
        other.wait()
    with claimed(folder):
        (folder / "kept.txt").write_text("")
    assert (folder / "kept.txt").is_file()


def test_a_run_that_writes_nothing_leaves_no_folder(tmp_path: Path) -> None:
    with claimed(tmp_path / "a/b"):
        pass
    assert list(tmp_path.iterdir()) == []
