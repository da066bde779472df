"""`[location]` in a checkout: compiled, checked as Dagster loads it, and named where it has no lock."""

import re
import sys
from pathlib import Path

import pytest

from checkout import Checkout, copy_repository
from servers.dagster_stack import BIN
from shared import require_part


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    root = tmp_path_factory.mktemp("location é") / "checkout"
    root.mkdir()
    copy_repository(root)
    return Checkout(root=root)


def changed(path: Path, pattern: str, text: str) -> None:
    """Replace a part of a file, which may be a link to that of the repository."""
    before = path.read_text()
    after = re.sub(pattern, text, before, count=1)
    assert after != before
    path.unlink()
    path.write_text(after)


def test_a_location_is_compiled_and_what_differs_is_named(copied: Checkout) -> None:
    settings = copied.root / "flowlock.toml"
    assert copied.flowlock("compile", "--check", "services").code == 0
    changed(settings, r'cron = "0 6 ', 'cron = "30 6 ')
    stale = copied.flowlock("compile", "--check", "services")
    assert stale.code == 1
    assert "flowlock_services_location/definitions.py" in stale.out
    assert copied.flowlock("compile", "services").code == 0
    assert copied.flowlock("compile", "--check", "services").code == 0
    definitions = next(copied.root.glob("locations/services/*-location/*/definitions.py"))
    assert 'cron="30 6 * * *"' in definitions.read_text()
    changed(definitions, "30 6", "31 6")
    edited = copied.flowlock("compile", "services")
    assert edited.code == 1
    assert "FL203" in edited.err
    definitions.unlink()
    assert copied.flowlock("compile", "services").code == 0


def test_a_location_without_a_lock_is_named_with_its_reason(copied: Checkout) -> None:
    checked = copied.flowlock("lock", "--check")
    assert "services is not locked: the channel metadata at hand have no Dagster" in checked.err


def test_names_that_the_location_does_not_have_are_refused_with_their_places(copied: Checkout) -> None:
    settings = copied.root / "flowlock.toml"
    before = settings.read_text()
    changed(settings, r'workflows = \["carbon", "penguins"\]', 'workflows = ["carbn", "penguins"]')
    done = copied.flowlock("compile", "services")
    settings.write_text(before)
    assert done.code == 1
    assert re.search(r"flowlock\.toml:\d+:\d+: FL305 .*`carbn`", done.err)
    assert "did you mean `carbon`?" in done.err
    # The schedule, too: its workflow is not in the location.
    assert done.err.count("FL305") == 2


def test_the_check_names_every_broken_package_and_every_wrong_parameter(copied: Checkout) -> None:
    require_part(found=BIN.is_dir(), part="Dagster")
    python, data = BIN / "python", copied.root / "examples/carbon/mauna-loa.csv"
    settings = copied.root / "flowlock.toml"
    changed(settings, r"/data/mauna-loa\.csv", str(data))
    assert copied.flowlock("compile", "services").code == 0
    sound = copied.flowlock("location", "check", "--python", python)
    assert sound.code == 0, sound.err
    changed(settings, re.escape(str(data)), "relative.csv")
    assert copied.flowlock("compile", "services").code == 0
    wrong = copied.flowlock("location", "check", "--python", python)
    assert wrong.code == 1
    assert "FL931 the schedule carbon_daily cannot run carbon" in wrong.err
    assert "FL796 weekly.path: the path relative.csv is relative" in wrong.err
    changed(settings, r'packages = \["', 'packages = ["absent-one", "absent-two", "')
    assert copied.flowlock("compile", "services").code == 0
    broken = copied.flowlock("location", "check", "--python", python)
    assert broken.code == 1
    assert broken.err.count("FL798") == 2
    assert "absent-one is not installed" in broken.err


def test_compile_names_every_broken_package_of_the_workspace(tmp_path: Path) -> None:
    copied = Checkout(root=tmp_path / "checkout")
    copied.root.mkdir()
    copy_repository(copied.root)
    jobs = copied.root / "locations/services/flowlock-services-jobs"
    definitions = next(jobs.glob("*/definitions.py"))
    changed(definitions, r"\A", "def broken(:\n")
    syntax = copied.flowlock("compile", "services")
    assert syntax.code == 1
    assert re.search(
        r"definitions\.py:1:\d+: FL798 the package flowlock-services-jobs is not valid", syntax.err
    )
    definitions.unlink()
    missing = copied.flowlock("compile", "services")
    assert missing.code == 1
    assert re.search(r"pyproject\.toml:\d+:\d+: FL798 .* has no module", missing.err)
    changed(jobs / "pyproject.toml", r"flowlock\.dagster", "flowlock.other")
    absent = copied.flowlock("compile", "services")
    assert absent.code == 1
    assert "has no entry point in the group flowlock.dagster" in absent.err


@pytest.mark.parametrize("command", ["check", "dev"])
def test_an_interpreter_without_dagster_is_named_in_one_line(copied: Checkout, command: str) -> None:
    done = copied.flowlock("location", command, "--python", sys.executable)
    assert done.code == 1
    assert "FL933" in done.err
    assert "ModuleNotFoundError: No module named 'dagster" in done.err
    assert "Traceback" not in done.err
