"""Three steps whose parameters say how long they take, and what becomes of them."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from flowlock_core.connections import Connection
from flowlock_core.connections.s3 import S3
from flowlock_core.errors import TaskError
from flowlock_core.execute import Steps
from flowlock_core.execute.context import current
from flowlock_core.task import task
from flowlock_core.types import InputPath

NOTHING: list[str] = []


@task
def first(
    seconds: Annotated[float, Field(ge=0, le=600)] = 0.0,
    file: InputPath | None = None,
    text: Annotated[str, Field(max_length=100)] = "",
) -> str:
    """Wait, and give a text, or what is in a file."""
    time.sleep(seconds)
    return text if file is None else Path(file).read_text()


@task
def second(text: str, *, fail: bool = False, child: bool = False) -> str:
    """Fail, or leave a process running, if that is asked for."""
    if child:
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    if fail:
        raise TaskError("it was to fail", parameter="fail", hint="do not let it fail")
    return text


@task
def last(
    text: str,
    seconds: Annotated[float, Field(ge=0, le=600)] = 0.0,
    connection: Annotated[S3, Connection] | None = None,
    variables: list[str] = NOTHING,
) -> dict[str, Any]:
    """Wait, write a file, and tell what the process has."""
    time.sleep(seconds)
    current().output_path("note.txt").write_text(text)
    sys.stdout.write("last has printed this\n")
    return {
        "text": text,
        "process": os.getpid(),
        "bucket": None if connection is None else connection.bucket,
        "variables": {name: os.environ.get(name) for name in variables},
    }


def small(step: Steps) -> Any:
    """Run three steps after each other."""
    text = step(first, "first").call()
    text = step(second, "second").partial(text=text).call()
    return step(last, "last").partial(text=text).call()
