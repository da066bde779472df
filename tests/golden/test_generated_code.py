"""Generated packages are what the linters, the formatter and the type checker want, as they are written."""

import subprocess
import sys
from pathlib import Path

import pytest

from shared import ROOT
from specs import GOLDEN, package_of

TOOLS = Path(sys.executable).parent
# The project's rules; but where a workflow is made, the run time is a package like others.
CONFIG = ("--config", str(ROOT / "pyproject.toml"), "--config", 'src = ["."]')


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile every valid golden spec, each under an import name of its own."""
    root = tmp_path_factory.mktemp("generated")
    for spec in sorted(GOLDEN.glob("valid/*/spec.yaml")):
        name = spec.parent.name.replace("-", "_")
        for path, text in package_of(spec.read_bytes().decode("utf-8")).items():
            target = root / path.replace("flowlock_demo", f"golden_{name}").replace(
                "tests/test_", f"{name}/tests/test_{name}_"
            )
            if target.suffix == ".py" and path.count("/"):
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, encoding="utf-8")
    return root


def run(*command: str, cwd: Path, **environment: str) -> None:
    done = subprocess.run(  # noqa: PLW1510 - told below
        command, cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_has_nothing_to_say(packages: Path) -> None:
    run(str(TOOLS / "ruff"), "check", "--no-cache", *CONFIG, ".", cwd=packages)


def test_ruff_format_would_change_nothing(packages: Path) -> None:
    run(str(TOOLS / "ruff"), "format", "--no-cache", "--check", *CONFIG, ".", cwd=packages)


def test_mypy_is_content_with_all_of_it(packages: Path) -> None:
    paths = [ROOT / "src" / "flowlock-core", GOLDEN / "tasks"]
    # pandas takes a minute to check, and nothing of it occurs in generated code.
    (packages / "mypy.ini").write_text("[mypy]\nstrict = true\n[mypy-pandas.*]\nfollow_imports = skip\n")
    command = (str(TOOLS / "mypy"), "--cache-dir", str(packages / ".cache"), ".")
    run(*command, cwd=packages, MYPYPATH=":".join(map(str, paths)))
