"""A workflow's command driven as the runner of wt drives it: environment, arguments, pipes, exit codes."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

SCRIPT = "import sys\nfrom flowlock_core.cli import main\nsys.exit(main(sys.argv.pop(1)))"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a run ended: its exit code, what it printed, and its result.json, None if there is none."""

    code: int
    out: str
    err: str
    result: dict[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class WtRunner:
    """Calls the command of the workflow `module:function` in a folder."""

    workflow: str
    folder: Path
    path: Path
    variable: str = "WT_RESULTS"
    results: Path = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "results", self.folder / "results é")

    def run(
        self,
        params: Mapping[str, Any],
        *options: str,
        mode: str = "sequential",
        mock_io: bool = False,
        extra: Mapping[str, str] | None = None,
    ) -> Ended:
        """Run; the parameters are in a temporary file, and pipes are read when the process has ended."""
        self.results.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
            yaml.safe_dump(dict(params), file)
            file.flush()
            config = ["--config-file", file.name, "--execution-mode", mode]
            mocked = "--mock-io" if mock_io else "--no-mock-io"
            variables = {**(extra or {}), self.variable: self.results.as_uri()}
            process = self._start("run", *config, mocked, *options, variables=variables)
            process.wait(timeout=100)
            out, err = process.communicate()
        file_of_result = self.results / "result.json"
        result = json.loads(file_of_result.read_bytes()) if file_of_result.exists() else None
        return Ended(code=process.returncode, out=out, err=err, result=result)

    def check_output(self, *arguments: str, stdin: str | None = None) -> str:
        """Return what a command prints on stdout; a RuntimeError if it fails."""
        process = self._start(*arguments)
        out, err = process.communicate(stdin, timeout=100)
        if process.returncode:
            raise RuntimeError(f"{process.returncode}: {err}")
        return out.strip()

    def _start(self, *arguments: str, variables: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(self.path), **(variables or {})}
        return subprocess.Popen(
            [sys.executable, "-c", SCRIPT, self.workflow, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=environment,
            cwd=self.folder,
        )
