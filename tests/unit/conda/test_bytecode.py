"""Bytecode whose bytes depend on nothing but its part, and that is used without a look at its source."""

import importlib.util
import itertools
import os
import py_compile
import subprocess
import sys
from pathlib import Path
from py_compile import PycInvalidationMode

import pytest

from flowlock.conda.bytecode import Module, compile_modules, unchecked
from flowlock.errors import FlowlockError

MODES = list(PycInvalidationMode)


@pytest.mark.parametrize("mode", MODES)
def test_unchecked_bytecode_is_imported_whatever_its_source_and_time(
    tmp_path: Path, mode: PycInvalidationMode
) -> None:
    source = tmp_path / "birds.py"
    source.write_text("NAME = 'osprey'\n")
    compiled = Path(importlib.util.cache_from_source(str(source)))
    py_compile.compile(str(source), str(compiled), doraise=True, invalidation_mode=mode)
    compiled.write_bytes(unchecked(compiled.read_bytes()))
    # Python would compile this again, were it to look.
    source.write_text("NAME = 'a longer name'\n")
    code = "import birds; print(birds.NAME)"
    done = subprocess.run([sys.executable, "-B", "-c", code], cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout == b"osprey\n"


def test_checked_and_unchecked_bytecode_become_the_same_bytes(tmp_path: Path) -> None:
    source = tmp_path / "birds.py"
    source.write_text("NAME = 'osprey'\n")
    made = {}
    for mode in (PycInvalidationMode.CHECKED_HASH, PycInvalidationMode.UNCHECKED_HASH):
        target = tmp_path / f"{mode.name}.pyc"
        py_compile.compile(str(source), str(target), "birds.py", doraise=True, invalidation_mode=mode)
        made[mode] = target.read_bytes()
    assert len(set(made.values())) == 2
    assert len({unchecked(data) for data in made.values()}) == 1


def test_what_is_too_short_for_bytecode_stays_unchanged() -> None:
    assert unchecked(b"\0" * 15) == b"\0" * 15


# A process that compiled the first has loaded a codec, which has the others' names.
TEXTS = (
    "# coding: iso-8859-15\nname = 'osprey'\n",
    "decoding_table = 1\n",
    "def {{ name }}():\n",
    "encoding_table = {'osprey', 1.5}\n",
)


def parts_of(folder: Path, *sizes: int) -> list[list[Module]]:
    """Return modules in parts of these sizes, to be compiled in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = itertools.count()
    return [[module_of(folder, next(numbers)) for _ in range(size)] for size in sizes]


def module_of(folder: Path, number: int) -> Module:
    source = folder / f"m{number}.py"
    source.write_text(TEXTS[number % len(TEXTS)])
    return Module(source=source, target=folder / "out" / f"m{number}.pyc", shown=f"birds/m{number}.py")


def compiled(parts: list[list[Module]]) -> dict[str, bytes]:
    compile_modules(
        Path(sys.executable), parts, mode=PycInvalidationMode.CHECKED_HASH, variables={"PATH": os.defpath}
    )
    targets = [module.target for part in parts for module in part]
    return {target.name: target.read_bytes() for target in targets if target.is_file()}


@pytest.mark.parametrize("cores", [1, 2, 5])
def test_the_bytes_of_a_part_do_not_depend_on_the_other_parts_their_order_or_the_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int
) -> None:
    with monkeypatch.context() as without_forks:
        without_forks.delattr(os, "fork")
        alone = compiled(parts_of(tmp_path / "alone", 4, 1, 3))
    assert len(alone) == 6
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    for number, order in enumerate(itertools.permutations(range(3))):
        parts = parts_of(tmp_path / f"{number}", 4, 1, 3)
        assert compiled([parts[index] for index in order]) == alone


@pytest.mark.parametrize("unavailable", ["nothing", "fork"])
def test_bytecode_that_cannot_be_written_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unavailable: str
) -> None:
    parts = parts_of(tmp_path, 2, 2)
    (tmp_path / "out").write_text("not a folder")
    monkeypatch.delattr(os, unavailable, raising=False)
    with pytest.raises(FlowlockError, match="exit code 1") as refused:
        compiled(parts)
    assert "Error" in str(refused.value.detail)


def test_nothing_is_started_where_there_is_nothing_to_compile(tmp_path: Path) -> None:
    compile_modules(
        tmp_path / "no python", [], mode=PycInvalidationMode.CHECKED_HASH, variables={"PATH": os.defpath}
    )
