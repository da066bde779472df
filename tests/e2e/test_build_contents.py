"""What build scripts install, held against the packages that the real engine makes of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlock.builder.contents.shipped import ExclusionReason
from flowlock.builder.plan.result import PackageResult
from flowlock.conda import archive
from flowlock.conda.members import Member
from flowlock.conda.noarch import Noarch
from flowlock.errors import FlowlockError
from small import Small
from trees import SITE, TREE


def add(small: Small, name: str, paths: list[str], noarch: Noarch, *, host: str = "") -> None:
    """Add a package whose script installs these files, each with its own path as contents."""
    tree = small.root / "src" / name / "tree"
    for path in paths:
        file = tree / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(path)
    (tree.parent / "pyproject.toml").write_text("")
    recipe = {
        "package": {"name": name, "version": "1.0"},
        "source": {"path": f"../../src/{name}"},
        "build": {"noarch": noarch, "script": ['cp -R --remove-destination tree/. "$PREFIX/"']},
        "requirements": {"host": host.split()},
    }
    small.write_recipe(name, recipe)


def contents(small: Small, package: PackageResult) -> list[Member]:
    members = archive.read(small.state.channel / "noarch" / package.artifact.file)
    return [member for member in members if not member.is_info]


def refusal(small: Small) -> tuple[str, str]:
    with pytest.raises(FlowlockError) as caught:
        small.build()
    return caught.value.problems[0].code, caught.value.problems[0].message


@settings(max_examples=2, deadline=None)
@given(trees=st.tuples(TREE, TREE))
def test_each_file_that_a_script_installs_ships_or_is_named(
    tmp_path_factory: pytest.TempPathFactory, tools: str, trees: tuple[list[str], list[str]]
) -> None:
    small = Small(tmp_path_factory.mktemp("trees") / "w", tools)
    for noarch, paths in zip(Noarch, trees, strict=True):
        add(small, f"x-{noarch}", paths, noarch)
    built = {package.name: package for package in small.build().packages}
    for noarch, paths in zip(Noarch, trees, strict=True):
        package = built[f"x-{noarch}"]
        shipped = {member.data.decode() for member in contents(small, package)}
        named = {path for one in package.remarks.left_out for path in one.path.split(" or ")}
        assert set(paths) <= shipped | named


def test_data_that_looks_like_bytecode_ships_and_what_the_engine_drops_is_named(small: Small) -> None:
    data = [f"{SITE}/x/old.pyc", f"{SITE}/x/__pycache__/notes.txt", f"{SITE}/x/a.py", "share/x/.gitignore"]
    dropped = {
        f"{SITE}/x/__pycache__/a.cpython-311.pyc": ExclusionReason.BYTECODE,
        "share/x/lib.la": ExclusionReason.ENGINE,
        "share/x/CACHEDIR.TAG": ExclusionReason.ENGINE,
        f"{SITE}/packaging/version.py": ExclusionReason.OVERWRITTEN,
        f"share/{SITE}/x/a.py or {SITE}/x/a.py": ExclusionReason.SAME_PATH,
    }
    paths = [*data, *(path for path in dropped if " or " not in path), f"share/{SITE}/x/a.py"]
    small.share_packages()
    add(small, "x", paths, Noarch.PYTHON, host="packaging")
    (package,) = small.build().packages
    reasons = {one.path: one.reason for one in package.remarks.left_out if not one.path.startswith("info/")}
    assert {" or ".join(sorted(key.split(" or "))): reason for key, reason in reasons.items()} == {
        " or ".join(sorted(key.split(" or "))): reason for key, reason in dropped.items()
    }
    assert {member.path for member in contents(small, package)} == {
        path.replace("lib/python3.11/", "") for path in data
    }
    assert [warning.code for warning in package.remarks.warnings] == ["FL515"] * 3
    # A build that finds all current says it again.
    assert small.build().packages[0].remarks == package.remarks


def test_files_below_info_are_refused(small: Small) -> None:
    add(small, "x", ["info/mine.txt"], Noarch.GENERIC)
    assert refusal(small) == (
        "FL516",
        "x cannot be built: the build installed info/mine.txt, but `info/` is reserved for package metadata",
    )


def test_data_that_holds_the_path_of_its_build_is_refused(small: Small) -> None:
    small.add_data("x", script=f'mkdir -p "$PREFIX/{SITE}" && echo "$PREFIX" > "$PREFIX/{SITE}/x.pyc"')
    recipe = small.recipe("x")
    small.write_recipe("x", {**recipe, "build": {**recipe["build"], "noarch": "python"}})
    code, message = refusal(small)
    assert (code, message.rpartition(" ")[2]) == ("FL512", "site-packages/x.pyc")


def test_names_that_collide_elsewhere_are_a_warning_of_the_build(small: Small) -> None:
    add(small, "x", ["share/Data.csv", "share/data.csv"], Noarch.GENERIC)
    result = small.build()
    message = "x: these names are the same file on macOS and Windows: share/Data.csv and share/data.csv"
    assert f"warning: FL514 {message}" in result.as_text()
    assert result.as_json()["packages"][0]["warnings"][0]["code"] == "FL514"
