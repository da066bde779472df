"""Where a wheel's files go, and that its RECORD fits what is installed."""

import csv
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flowlock.base.archive import PLACEHOLDER, File
from flowlock.base.interpreter import Interpreter, find
from flowlock.base.package import Conversion
from flowlock.base.wheel import installed_files, read
from flowlock.conda import archive
from flowlock.errors import FlowlockError
from flowlock.names import PackageName
from wheelhouse import make_wheel, record_hash

COMMANDS = """\
[console_scripts]
Hello = tool:main
bye = tool:main.__call__ [extra]

[gui_scripts]
win = tool:main
"""
DATA = {
    "tool-1.0.data/scripts/run-it": "#!python\nprint('hello')\n",
    "tool-1.0.data/scripts/shell": "#!/bin/sh\necho hello\n",
    "tool-1.0.data/data/share/tool/text": "some data",
    "tool-1.0.data/purelib/more.py": "",
}


def installed(path: Path, python: str = "3.12") -> dict[str, File]:
    return {file.path: file for file in installed_files(read(path), python)}


def rows(file: File) -> dict[str, tuple[str, str]]:
    return {name: (digest, size) for name, digest, size in csv.reader(file.data.decode().splitlines())}


def test_a_pure_wheel_is_laid_out_for_any_python(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, "tool", "1.0", files=DATA, entry_points=COMMANDS)
    assert read(path).pure
    assert sorted(installed(path)) == [
        "python-scripts/run-it",
        "python-scripts/shell",
        "share/tool/text",
        "site-packages/more.py",
        "site-packages/tool-1.0.dist-info/INSTALLER",
        "site-packages/tool-1.0.dist-info/METADATA",
        "site-packages/tool-1.0.dist-info/RECORD",
        "site-packages/tool-1.0.dist-info/WHEEL",
        "site-packages/tool-1.0.dist-info/entry_points.txt",
        "site-packages/tool.py",
    ]


def test_a_wheel_of_compiled_modules_has_its_commands_with_it(tmp_path: Path) -> None:
    path = make_wheel(
        tmp_path, "tool", "1.0", tag="cp312-cp312-linux_x86_64", files=DATA, entry_points=COMMANDS
    )
    files = installed(path)
    assert not read(path).pure
    assert "lib/python3.12/site-packages/tool.py" in files
    command = files["bin/Hello"]
    assert command.executable
    assert command.has_prefix
    assert command.data.startswith(f"#!{PLACEHOLDER}/bin/python\n".encode())
    assert b"from tool import main\n" in files["bin/bye"].data
    assert b"sys.exit(main.__call__())" in files["bin/bye"].data
    assert "bin/win" in files


@pytest.mark.parametrize("kind", ["platlib/tool_native.py", "headers/tool.h"])
def test_a_wheel_with_files_of_one_python_is_not_for_any(tmp_path: Path, kind: str) -> None:
    path = make_wheel(tmp_path, "tool", "1.0", files={f"tool-1.0.data/{kind}": ""})
    assert not read(path).pure
    below = {
        "platlib": "lib/python3.12/site-packages/tool_native.py",
        "headers": "include/python3.12/tool/tool.h",
    }
    assert below[kind.split("/", maxsplit=1)[0]] in installed(path)


def test_the_interpreter_of_a_script_is_the_environments(tmp_path: Path) -> None:
    files = installed(make_wheel(tmp_path, "tool", "1.0", files=DATA))
    python, shell = files["python-scripts/run-it"], files["python-scripts/shell"]
    assert python.data == f"#!{PLACEHOLDER}/bin/python\nprint('hello')\n".encode()
    assert python.has_prefix
    assert not shell.has_prefix
    assert shell.executable


@pytest.mark.parametrize("tag", ["py3-none-any", "cp312-cp312-linux_x86_64"])
def test_the_record_lists_exactly_what_is_installed(tmp_path: Path, tag: str) -> None:
    path = make_wheel(tmp_path, "tool", "1.0", tag=tag, files=DATA, entry_points=COMMANDS)
    files = installed(path)
    site = "site-packages/" if tag.endswith("any") else "lib/python3.12/site-packages/"
    listed = rows(files[f"{site}tool-1.0.dist-info/RECORD"])
    from_site = {
        name.removeprefix(site)
        if name.startswith(site)
        else "../../../" + name.replace("python-scripts", "bin"): file
        for name, file in files.items()
    }
    commands = {"../../../bin/Hello", "../../../bin/bye", "../../../bin/win"}
    assert listed.keys() == from_site.keys() | commands
    for name, file in from_site.items():
        unknown = file.has_prefix or name.endswith("/RECORD")
        assert listed[name] == (("", "") if unknown else (record_hash(file.data), str(len(file.data))))


def test_what_another_installer_wrote_is_not_taken_over(tmp_path: Path) -> None:
    others = {f"tool-1.0.dist-info/{name}": "other" for name in ("INSTALLER", "REQUESTED", "direct_url.json")}
    files = installed(make_wheel(tmp_path, "tool", "1.0", files=others))
    assert files["site-packages/tool-1.0.dist-info/INSTALLER"].data == b"flowlock\n"
    assert not any(name.endswith(("REQUESTED", "direct_url.json")) for name in files)


@pytest.mark.parametrize("inside", ["../outside", "/etc/passwd", "tool-1.0.data/nowhere/file"])
def test_a_file_that_leaves_its_place_is_refused(tmp_path: Path, inside: str) -> None:
    path = make_wheel(tmp_path, "tool", "1.0", files={inside: ""})
    with pytest.raises(FlowlockError, match="outside the wheel") as caught:
        installed(path)
    assert told(caught.value) == ("FL423", f"tool-1.0-py3-none-any.whl/{inside}")


def test_a_damaged_wheel_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "tool-1.0-py3-none-any.whl"
    path.write_bytes(b"not a zip")
    with pytest.raises(FlowlockError, match=r"tool-1\.0-py3-none-any\.whl") as caught:
        read(path)
    assert told(caught.value) == ("FL420", "tool-1.0-py3-none-any.whl")


def test_a_wheel_without_metadata_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "tool-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tool.py", "")
    with pytest.raises(FlowlockError, match=r"has 0 \.dist-info folders") as caught:
        read(path)
    assert told(caught.value) == ("FL425", "tool-1.0-py3-none-any.whl")


@pytest.mark.parametrize("name", ["METADATA", "WHEEL"])
@pytest.mark.parametrize("text", [None, b"\xff\xfe"])
def test_metadata_that_is_absent_or_not_text_is_told_by_the_file(
    tmp_path: Path, name: str, text: bytes | None
) -> None:
    with zipfile.ZipFile(make_wheel(tmp_path / "sound", "tool", "1.0")) as sound:
        members = {member: sound.read(member) for member in sound.namelist()}
    path = tmp_path / "tool-1.0-py3-none-any.whl"
    del members[f"tool-1.0.dist-info/{name}"]
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
        if text is not None:
            archive.writestr(f"tool-1.0.dist-info/{name}", text)
    with pytest.raises(FlowlockError) as caught:
        read(path)
    assert told(caught.value) == ("FL425", f"tool-1.0-py3-none-any.whl/tool-1.0.dist-info/{name}")


@pytest.mark.parametrize("requirement", ["pandas=>2", "a b c", "x; python_version"])
def test_a_requirement_that_is_none_is_told(tmp_path: Path, requirement: str) -> None:
    with pytest.raises(FlowlockError, match="metadata that cannot be read") as caught:
        read(make_wheel(tmp_path, "tool", "1.0", requires=[requirement]))
    assert told(caught.value) == ("FL425", "tool-1.0-py3-none-any.whl/tool-1.0.dist-info/METADATA")


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("tool-2.0-py3-none-any.whl", "is version `1.0` according to its metadata"),
        ("other-1.0-py3-none-any.whl", "has 0 .dist-info folders of `other`"),
        ("tool.whl", "does not have the name of a wheel"),
    ],
)
def test_a_wheel_that_was_renamed_is_told(tmp_path: Path, file: str, message: str) -> None:
    path = make_wheel(tmp_path, "tool", "1.0").rename(tmp_path / file)
    with pytest.raises(FlowlockError) as caught:
        read(path)
    assert message in caught.value.message
    assert told(caught.value)[0] == "FL427"
    assert file == "tool.whl" or ".dist-info" in told(caught.value)[1]


def test_versions_that_are_written_otherwise_are_the_same(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, "tool", "1.0.0").rename(tmp_path / "tool-1.0-py3-none-any.whl")
    assert str(read(path).metadata.version) == "1.0"


def test_licence_summary_and_home_come_from_the_metadata(tmp_path: Path) -> None:
    headers = ["License-Expression: MIT", "Summary: A tool", "Project-URL: Homepage, https://example.org"]
    metadata = read(make_wheel(tmp_path, "tool", "1.0", headers=headers)).metadata
    assert (metadata.license, metadata.summary, metadata.home) == ("MIT", "A tool", "https://example.org")


def told(error: FlowlockError) -> tuple[str, str]:
    """Return the code and the place of an error's only problem."""
    (problem,) = error.problems
    return problem.code, str(problem.location)


def conversion(path: Path, *, python: Interpreter | None = None, depends: tuple[str, ...] = ()) -> Conversion:
    return Conversion(
        wheel=read(path),
        sha256="0" * 64,
        name=PackageName("tool"),
        depends=depends,
        python=python or find(),
        epoch=datetime(2026, 1, 1, tzinfo=UTC),
    )


def another(version: str) -> Interpreter:
    """Return what our interpreter were if it had another version."""
    interpreter = find()
    series = ".".join(version.split(".")[:2])
    versions = {"python_full_version": version, "python_version": series}
    return replace(interpreter, environment={**interpreter.environment, **versions})


def test_a_pure_wheel_requires_the_pythons_it_says(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, "tool", "1.0", headers=["Requires-Python: >=3.9,!=3.10.*"])
    record = conversion(path, depends=("numpy >=1",)).archive().record
    assert record["depends"] == ["numpy >=1", "python >=3.9,!=3.10.*"]
    assert (record["noarch"], record["subdir"]) == ("python", "noarch")


def test_compiled_modules_require_the_python_they_are_for(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, "tool", "1.0", tag="cp312-cp312-linux_x86_64")
    record = conversion(path, python=another("3.12.1")).archive().record
    assert record["depends"] == ["python >=3.12,<3.13.0a0", "python_abi 3.12.* *_cp312"]
    assert (record.get("noarch"), record["subdir"]) == (None, find().subdir)


def test_a_files_name_tells_everything_it_was_made_of(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, "tool", "1.0")
    first = conversion(path)
    assert first.path == conversion(path, python=another("3.13.1")).path, "a pure wheel is for every Python"
    assert first.path != conversion(path, depends=("numpy",)).path
    assert first.path == f"noarch/{first.archive().name}"
    assert first.archive().data == first.archive().data


def test_a_wheel_of_compiled_modules_brings_their_bytecode(tmp_path: Path) -> None:
    python = find()
    cache = f"__pycache__/{{}}.{sys.implementation.cache_tag}.pyc"
    files = {
        "birds/__init__.py": "SPAN = 2\n",
        "birds/template.py": "def {{ name }}():\n",
        "birds/tests/test_span.py": "",
        "birds/own.py": "SPAN = 3\n",
        f"birds/{cache.format('own')}": "its own",
        "tool-1.0.data/scripts/run.py": "#!python\n",
        "tool-1.0.data/data/share/example.py": "",
    }
    path = make_wheel(tmp_path, "tool", "1.0", tag="cp312-cp312-linux_x86_64", files=files)
    site = f"lib/python{python.series}/site-packages"
    expected = [cache.format("tool"), f"birds/{cache.format('__init__')}", f"birds/{cache.format('own')}"]
    made = conversion(path)
    (tmp_path / "made.conda").write_bytes(made.archive().data)
    members = {member.path: member.data for member in archive.read(tmp_path / "made.conda")}
    assert {name for name in members if name.endswith(".pyc")} == {f"{site}/{name}" for name in expected}
    assert members[f"{site}/{expected[2]}"] == b"its own"
    record = members[f"{site}/tool-1.0.dist-info/RECORD"].decode().splitlines()
    assert f"birds/{cache.format('__init__')},," in record
    assert made.archive().data == (tmp_path / "made.conda").read_bytes()

    in_place = tmp_path / "installed"
    for name in (f"{site}/birds/__init__.py", f"{site}/{expected[1]}"):
        (in_place / name).parent.mkdir(parents=True, exist_ok=True)
        (in_place / name).write_bytes(members[name])
    assert imported(in_place / site) == "2"
    (in_place / site / "birds/__init__.py").write_text("SPAN = 5\n")
    assert imported(in_place / site) == "5"


def imported(site: Path) -> str:
    command = [sys.executable, "-B", "-c", "import birds; print(birds.SPAN)"]
    done = subprocess.run(command, cwd=site, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_bytecode_is_of_one_version_of_python(tmp_path: Path) -> None:
    compiled = make_wheel(tmp_path, "tool", "1.0", tag="cp312-cp312-linux_x86_64")
    first, second = (conversion(compiled, python=another(version)) for version in ("3.12.1", "3.12.2"))
    assert first.path != second.path


def test_vendored_dist_infos_are_files_like_others(tmp_path: Path) -> None:
    vendored = "tool/_vendor/other-2.0.dist-info"
    files = {f"{vendored}/METADATA": "Name: other\n", f"{vendored}/RECORD": "other.py,,\n"}
    path = make_wheel(tmp_path, "tool", "1.0", files=files)
    assert read(path).dist_info == "tool-1.0.dist-info"
    assert installed(path)[f"site-packages/{vendored}/RECORD"].data == b"other.py,,\n"


@pytest.mark.parametrize("name", ["tool", "tool/_vendor/tool-1.0.dist-info"])
def test_a_wheel_without_a_dist_info_of_its_own_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "tool-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/METADATA", "Name: tool\n")
    with pytest.raises(FlowlockError, match=r"has 0 \.dist-info folders"):
        read(path)


@pytest.mark.parametrize(
    "line",
    [
        "../evil = tool:main",
        "/usr/bin/evil = tool:main",
        "a\\b = tool:main",
        ".. = tool:main",
        "evil = tool:main; import os",
        "evil = tool",
        "evil = os:system('true')",
        "evil = tool:main\n  import os",
    ],
)
def test_a_command_that_is_none_or_leaves_its_folder_is_refused(tmp_path: Path, line: str) -> None:
    path = make_wheel(tmp_path, "tool", "1.0", entry_points=f"[console_scripts]\n{line}\n")
    with pytest.raises(FlowlockError) as caught:
        read(path)
    member = "tool-1.0-py3-none-any.whl/tool-1.0.dist-info/entry_points.txt"
    assert told(caught.value) == ("FL423" if line[0] in "./" or "\\" in line else "FL425", member)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tool-1.0.data/data/info/index.json", "and overwrite conda's metadata"),
        ("tool-1.0.data/data/Info/x", "and overwrite conda's metadata"),
        ("tool-1.0.data/data/conda-meta/history", "and overwrite conda's metadata"),
        ("tool-1.0.data/purelib/tool.py", "and overwrite another of its files"),
        ("tool\\..\\..\\x", "outside the wheel"),
    ],
)
def test_a_file_that_would_take_a_place_is_refused(tmp_path: Path, name: str, message: str) -> None:
    path = make_wheel(tmp_path, "tool", "1.0", files={name: "x"})
    with pytest.raises(FlowlockError, match=message) as caught:
        installed(path)
    assert caught.value.problems[0].code == "FL423"


def test_a_module_of_the_name_info_is_no_metadata(tmp_path: Path) -> None:
    assert "site-packages/info/x.py" in installed(
        make_wheel(tmp_path, "tool", "1.0", files={"info/x.py": ""})
    )


def test_a_wheel_that_unpacks_to_far_more_than_it_is_is_refused(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, "tool", "1.0")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tool_data.bin", bytes(200 * 2**20))
    with pytest.raises(FlowlockError, match="would unpack to") as caught:
        read(path)
    assert told(caught.value) == ("FL424", "tool-1.0-py3-none-any.whl/tool_data.bin")


@pytest.mark.parametrize("offset", [6, 8])
def test_a_wheel_with_encryption_or_an_unknown_method_is_refused(tmp_path: Path, offset: int) -> None:
    path = make_wheel(tmp_path, "tool", "1.0")
    data = bytearray(path.read_bytes())
    # In the header of each member, and in the directory, where the same fields are two bytes later.
    for signature, shift in ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2)):
        start = data.find(signature)
        while start >= 0:
            data[start + offset + shift] = 99
            start = data.find(signature, start + 1)
    path.write_bytes(data)
    with pytest.raises(FlowlockError, match="compression or encryption that is not supported") as caught:
        read(path)
    member = "tool-1.0-py3-none-any.whl/tool-1.0.dist-info/METADATA"
    assert told(caught.value) == ("FL426", member)


def test_a_file_with_another_checksum_is_told_by_its_name(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, "tool", "1.0")
    path.write_bytes(path.read_bytes().replace(b"Name: tool", b"Name: tooi", 1))
    with pytest.raises(FlowlockError, match="Bad CRC-32") as caught:
        read(path)
    assert told(caught.value) == ("FL420", "tool-1.0-py3-none-any.whl/tool-1.0.dist-info/METADATA")
