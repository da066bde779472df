"""What scripts may do to the unpacked packages that environments link to, and what is found of it."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from flowlock.builder.worker.unpacked import Unpacked

NAME = "tool-1.0-0"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "packages/pkgs" / NAME
    unpack(folder)
    return folder


def unpack(folder: Path) -> None:
    """Do as an engine that unpacks the package."""
    (folder / "info").mkdir(parents=True)
    (folder / "lib").mkdir()
    (folder / "lib/tool.py").write_text("x = 1\n")
    (folder / "lib/link.py").symlink_to("tool.py")
    digest = hashlib.sha256(b"x = 1\n").hexdigest()
    paths = [{"_path": "lib/tool.py", "sha256": digest}, {"_path": "lib/link.py", "path_type": "softlink"}]
    (folder / "info/paths.json").write_text(json.dumps({"paths": paths}))
    (folder / "info/index.json").write_text("{}")


def opened(package: Path) -> Unpacked:
    unpacked = Unpacked(package.parent.parent, package.parent.parent.parent / "record.json")
    unpacked.mend()
    return unpacked


def write(path: str, text: str = "y") -> Callable[[Path], object]:
    return lambda package: (package / path).write_text(text)


HARM: dict[str, Callable[[Path], object]] = {
    "lib/tool.py": write("lib/tool.py"),
    "lib/more.py": write("lib/more.py"),
    "more": write("more"),
    "info/index.json": write("info/index.json", '{"a": 1}'),
    "info/more.json": write("info/more.json"),
    "lib/elsewhere": lambda package: (package / "lib/elsewhere").symlink_to("/etc"),
}


@pytest.mark.parametrize("path", HARM)
def test_a_file_that_is_changed_or_added_is_found_and_the_package_removed(package: Path, path: str) -> None:
    unpacked = opened(package)
    assert unpacked.broken([NAME]) == []
    HARM[path](package)
    assert unpacked.broken([NAME]) == [f"{NAME}/{path}"]
    unpacked.mend()
    assert not package.exists()


@pytest.mark.parametrize("path", ["lib/tool.py", "lib/more.py", "more", "lib/elsewhere"])
def test_so_it_is_in_a_package_that_is_met_for_the_first_time(package: Path, path: str) -> None:
    HARM[path](package)
    assert Unpacked(package.parent.parent, None).broken([NAME]) == [f"{NAME}/{path}"]


def test_a_package_as_it_was_unpacked_is_whole_also_by_the_record(package: Path) -> None:
    unpacked = opened(package)
    unpacked.save()
    assert opened(package).broken(None) == []
    # Another name for a file, as an environment has it, changes nothing.
    os.link(package / "lib/tool.py", package.parent.parent / "linked.py")
    assert opened(package).broken(None) == []


@pytest.mark.parametrize("planted", ["planted-1.0-0", "planted-1.0-0.lock", "planted"])
def test_what_no_engine_unpacked_is_foreign(package: Path, planted: str) -> None:
    unpacked = opened(package)
    (package.parent / planted).mkdir()
    (package.parent / "other-2.0-0").mkdir()
    (package.parent / "other-2.0-0.lock").touch()
    (package.parent / ".other-3.0-0_abc").mkdir()
    assert unpacked.foreign({"other-2.0-0"}) == [planted]
    unpacked.remove([planted])
    assert unpacked.foreign({"other-2.0-0"}) == []


def test_a_package_that_is_unpacked_again_is_met_again(package: Path) -> None:
    unpacked = opened(package)
    assert unpacked.broken([NAME]) == []
    write("lib/more.py")(package)
    unpacked.mend()
    package.mkdir()
    (package / "info").mkdir()
    (package / "info/paths.json").write_text('{"paths": []}')
    assert unpacked.broken([NAME]) == []


def test_a_record_of_another_form_is_none(package: Path) -> None:
    (package.parent.parent.parent / "record.json").write_text(json.dumps({NAME: {"lib/tool.py": [1, 1, 1]}}))
    assert opened(package).broken([NAME]) == []


@pytest.mark.parametrize("doubt", [True, False])
def test_a_package_that_is_unpacked_again_has_the_modes_that_it_had(package: Path, *, doubt: bool) -> None:
    unpacked = opened(package)
    assert unpacked.broken([NAME]) == []
    write("lib/tool.py")(package)
    unpacked.mend()
    unpack(package)
    (package / "lib/tool.py").chmod(0o600)
    assert unpacked.broken([NAME], doubt=doubt) == [f"{NAME}/lib/tool.py"]


def test_after_a_failure_a_changed_file_is_found_also_in_a_package_that_is_met_first(package: Path) -> None:
    write("lib/tool.py")(package)
    assert Unpacked(package.parent.parent, None).broken([NAME], doubt=True) == [f"{NAME}/lib/tool.py"]


def test_without_names_every_package_that_is_there_is_compared(package: Path) -> None:
    unpacked = Unpacked(package.parent.parent, None)
    write("lib/tool.py")(package)
    assert unpacked.broken(None) == [f"{NAME}/lib/tool.py"]
