"""`pixi run` where pixi is not: tasks of ./pixi.toml, and programs, in the environment that there is."""

import os
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path


def main(arguments: list[str]) -> int:
    command, name, *rest = arguments
    if command != "run":
        raise SystemExit(f"only `pixi run` can be done here, not `pixi {command}`")
    task = tomllib.loads(Path("pixi.toml").read_text())["tasks"].get(name, shlex.quote(name))
    table = task if isinstance(task, dict) else {"cmd": task}
    shell = ["sh", "-c", f"{table['cmd']} {shlex.join(rest)}"]
    return subprocess.run(shell, env={**os.environ, **table.get("env", {})}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
