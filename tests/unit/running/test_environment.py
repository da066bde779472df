"""What is left over of an install that was killed."""

import time
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

from flowlock.edges import files
from flowlock.edges.files import TEMPORARY_PREFIX


def test_a_folder_to_which_a_dying_process_adds_files_is_deleted(tmp_path: Path) -> None:
    folder = tmp_path / f"{TEMPORARY_PREFIX}x"
    folder.mkdir()
    ended = Event()

    def add() -> None:
        for number in range(50):
            with suppress(FileNotFoundError):
                (folder / f"file{number}").touch()
            time.sleep(0.001)
        ended.set()

    Thread(target=add, daemon=True).start()
    files.forget_temporaries(tmp_path)
    ended.wait()
    assert not folder.exists()
