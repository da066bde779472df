"""The rule by which Debian's interpreter is edited, on made files: what is not recognised is refused."""

import sys
from pathlib import Path

import pytest

from flowlock.base import debian
from flowlock.base.debian import InterpreterEdit, UnknownPatchError, find_edits, program_edit, source_edit
from flowlock.base.interpreter import find

CONDITION = 'sys.base_prefix != sys.prefix or hasattr(sys, "real_prefix")'
SITE = f"""\
import sys
def getsitepackages(prefixes=None):
    is_virtual_environment = {CONDITION}
    return ["site-packages"] if is_virtual_environment else ["dist-packages"]
def others():
    return []
"""
SYSCONFIG = f"""\
import sys
def _get_preferred_schemes():
    if {CONDITION}:
        return "posix_prefix"
    return "posix_local"
"""
PROGRAM = b"\x7fELF\0\0real_prefix\0base_prefix\0"
DEBIAN = Path("/usr/bin/python3")


def prefix(folder: Path, **files: str | bytes | None) -> Path:
    """Make Debian's layout, with other contents for the named files; None leaves one out."""
    contents = {"site.py": SITE, "sysconfig.py": SYSCONFIG, "program": PROGRAM, **files}
    for name, text in contents.items():
        path = folder / ("bin/python3.99" if name == "program" else f"lib/python3.99/{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is not None:
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def edited(folder: Path, *, frozen_site: bool = True) -> dict[str, bytes]:
    edits = find_edits(folder, "3.99", frozen_site=frozen_site)
    return {edit.path: debian.apply(edits, edit.path, (folder / edit.path).read_bytes()) for edit in edits}


def test_the_condition_becomes_true_in_each_file(tmp_path: Path) -> None:
    files = edited(prefix(tmp_path))
    site, sysconfig = files["lib/python3.99/site.py"].decode(), files["lib/python3.99/sysconfig.py"].decode()
    assert site == SITE.replace(CONDITION, "True")
    assert sysconfig == SYSCONFIG.replace(CONDITION, "True")
    assert files["bin/python3.99"] == b"\x7fELF\0\0base_prefix\0base_prefix\0"
    assert (tmp_path / "lib/python3.99/site.py").read_text() == SITE, "only the copy is edited"
    values: dict[str, object] = {}
    exec(site + sysconfig, values)  # noqa: S102 - the text is ours, above
    assert eval("getsitepackages(), _get_preferred_schemes()", values) == (["site-packages"], "posix_prefix")  # noqa: S307 - ours, above


def test_a_program_without_site_in_it_is_not_edited(tmp_path: Path) -> None:
    assert set(edited(prefix(tmp_path, program=b"\x7fELF"), frozen_site=False)) == {
        "lib/python3.99/site.py",
        "lib/python3.99/sysconfig.py",
    }


def test_sysconfig_may_be_a_package(tmp_path: Path) -> None:
    files = edited(prefix(tmp_path, **{"sysconfig.py": None, "sysconfig/__init__.py": SYSCONFIG}))
    assert b"if True:" in files["lib/python3.99/sysconfig/__init__.py"]


@pytest.mark.parametrize(
    "condition",
    [
        CONDITION.replace('"', "'"),
        '(sys.base_prefix != sys.prefix\n        or hasattr(sys, "real_prefix"))',
        'sys.base_prefix!=sys.prefix or hasattr(sys,"real_prefix")',
    ],
)
def test_the_condition_is_recognised_however_it_is_written(condition: str) -> None:
    text = SITE.replace(CONDITION, condition)
    edit = source_edit("site.py", text, "getsitepackages")
    values: dict[str, object] = {}
    exec(debian.apply([edit], "site.py", text.encode()), values)  # noqa: S102 - see above
    assert eval("getsitepackages()", values) == ["site-packages"]  # noqa: S307 - ours, above


ABSENT = SITE.replace(CONDITION, "sys.base_prefix != sys.prefix")
TWICE = SITE.replace("return []", f"return {CONDITION}")
TWICE_INSIDE = SITE.replace("return [", f"assert {CONDITION}\n    return [", 1)
MOVED = SITE.replace(CONDITION, "others()").replace("return []", f"return {CONDITION}")
MOVED_OUT = SITE.replace(CONDITION, "VIRTUAL") + f"VIRTUAL = {CONDITION}\n"
COMMENT = ABSENT.replace("def others", f"# {CONDITION}\ndef others")
ALSO_A_COMMENT = SITE.replace("def others", f"# {CONDITION}\ndef others")
TEXT = ABSENT.replace("return []", f"return '''{CONDITION}'''")
PART_OF_ANOTHER = SITE.replace(CONDITION, f"{CONDITION} or others()")
REVERSED = SITE.replace(CONDITION, 'hasattr(sys, "real_prefix") or sys.base_prefix != sys.prefix')


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (ABSENT, "nowhere"),
        (TWICE, "twice"),
        (TWICE_INSIDE, "twice"),
        (MOVED, "outside `getsitepackages`"),
        (MOVED_OUT, "outside `getsitepackages`"),
        (COMMENT, "nowhere"),
        (ALSO_A_COMMENT, "twice"),
        (TEXT, "nowhere"),
        (PART_OF_ANOTHER, "nowhere"),
        (REVERSED, "nowhere"),
        ("def getsitepackages(:\n", "cannot be parsed"),
        ("\0", "cannot be parsed"),
        ("", "nowhere"),
    ],
)
def test_a_module_that_is_patched_in_another_way_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(UnknownPatchError, match=reason):
        edited(prefix(tmp_path, **{"site.py": text}))


@pytest.mark.parametrize(
    ("program", "reason"),
    [(b"\x7fELF base_prefix", "nowhere"), (PROGRAM * 2, "twice"), (PROGRAM * 3, "3 times")],
)
def test_a_program_that_is_patched_in_another_way_is_refused(program: bytes, reason: str) -> None:
    with pytest.raises(UnknownPatchError, match=reason):
        program_edit("bin/python3.99", program)


@pytest.mark.parametrize("name", ["site.py", "sysconfig.py"])
def test_a_missing_module_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnknownPatchError, match="is missing"):
        edited(prefix(tmp_path, **{name: None}))


def test_an_edit_that_does_not_work_is_found_before_it_is_packaged(tmp_path: Path) -> None:
    python = find()
    program = f"bin/python{python.series}"
    files = {program: tmp_path / "program"}
    files[program].write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    trial = tmp_path / "trial"
    with pytest.raises(UnknownPatchError, match="does not find its site-packages"):
        debian.try_edits(files, [], series=python.series, folder=trial)
    assert not trial.exists()


@pytest.mark.skipif(not Path("/etc/debian_version").exists() or not DEBIAN.exists(), reason="not a Debian")
def test_debians_own_interpreter_has_the_condition_in_three_places() -> None:
    python = find(DEBIAN)
    assert python.shared is None, "it needs no library of its own"
    assert [edit.path.rpartition("/")[2] for edit in python.edits] in (
        ["site.py", "sysconfig.py", f"python{python.series}"],
        ["site.py", "__init__.py", f"python{python.series}"],
    )
    assert [edit.after for edit in python.edits] == ["True", "True", "base_prefix"]
    assert python.edits[0] == InterpreterEdit(path=python.edits[0].path, before=CONDITION, after="True")
