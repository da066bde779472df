"""What a recipe is built from: our packages from their folder, vendored ones from one archive or wheel."""

import json
from typing import Any

import pytest

from flowlock.errors import FlowlockError
from flowlock.recipe.document import parse
from flowlock.recipe.own import own_source
from flowlock.recipe.vendored import origin

DIGEST = "0" * 64
UP = "../../x"


def recipe_text(**document: Any) -> str:
    return json.dumps({"package": {"name": "x", "version": "1"}, **document})


def branch(value: Any) -> dict[str, Any]:
    return {"if": "linux", "then": "inside", "else": [{"if": "win", "then": [value]}]}


@pytest.mark.parametrize(
    "document",
    [
        {"source": [{"path": "../../src/a"}, {"if": "linux", "then": [{"path": "/etc/ssl/openssl.cnf"}]}]},
        {"source": {"path": "~/secrets"}},
        {"source": {"path": "a\0b"}},
        {"source": {"path": "a", "patches": [branch(UP)]}},
        {"source": {"path": "a", "target_directory": "in/../../out"}},
        {"source": {"path": "a", "file_name": "..\\..\\out"}},
        {"source": {"path": "a", "filter": {"include": ["../*"]}}},
        {"source": {"path": "a", "filter": ["../*"]}},
        {"source": {"url": "http://x/a", "sha256": DIGEST, "patches": UP}},
        {"about": {"license_file": branch("/etc/passwd")}},
        {"about": {"license_file": "C:secret.txt"}},
        {"build": {"script": branch({"file": "/etc/passwd"})}},
        {"build": {"script": {"if": "linux", "then": {"file": "/etc/passwd"}}}},
        {"build": {"script": {"file": [UP]}}},
        {"build": {"script": {"content": "make", "cwd": "/etc"}}},
        {"build": {"script": UP}},
        {"build": {"script": ["/etc/profile"]}},
        {"tests": [{"script": {"file": UP}}]},
        {"tests": [{"if": "linux", "then": [{"script": [branch({"file": UP})]}]}]},
        {"tests": [{"script": ["x"], "files": {"source": ["../../*"]}}]},
        {"tests": [{"script": ["x"], "files": {"recipe": [branch("/etc/*")]}}]},
        {"context": {"up": ".."}, "about": {"license_file": "${{ up }}/LICENSE"}},
        {"about": {"license_file": "${{ '..' ~ '/LICENSE' }}"}},
        {"about": {"license_file": "${{ nothing }}/LICENSE"}},
    ],
)
def test_a_path_that_leaves_the_package_is_found_wherever_it_stands(document: dict[str, Any]) -> None:
    with pytest.raises(FlowlockError) as caught:
        parse(recipe_text(**document), "r")
    (problem,) = caught.value.problems
    assert problem.code == "FL312"
    assert problem.location is not None
    assert problem.location.column is not None
    assert problem.location.column > 1
    assert problem.hint


def test_paths_inside_the_package_are_accepted() -> None:
    recipe = parse(
        recipe_text(
            context={"docs": "docs"},
            source={"path": "../../src/x", "patches": ["a..b.patch"], "target_directory": "in/side"},
            build={"script": [{"if": "unix", "then": ["make", "cp /etc/x ../y"]}, "${{ PYTHON }}"]},
            about={"license_file": ["LICENSE", branch("${{ docs }}/LICENSE")]},
            tests=[{"script": {"file": "tests/run.sh"}, "files": {"source": ["tests/**"]}}],
        ),
        "r",
    )
    found = own_source(recipe)
    assert found is not None
    assert found[0] == "../../src/x"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ([{"git": "https://example.org/x.git"}], ["a source has `git`"]),
        ({"url": "file:///etc/hosts"}, ["a source has `url`"]),
        ({"path": "../../src/x", "url": "https://x/y"}, ["a source has `url`"]),
        (
            [{"path": "../../src/x"}, {"path": "other"}],
            ["a package of the workspace must have exactly one source"],
        ),
        ([{"if": "linux", "then": {"path": "../../src/x"}}], ["a source has a selector"]),
        ({"patches": ["a.patch"]}, ["a source has no `path`"]),
        (
            [{"path": "../../src/x"}, {"if": "linux", "then": [{"git": "x"}]}],
            [
                "a source has a selector",
                "a source has `git`",
                "a package of the workspace must have exactly one source",
            ],
        ),
    ],
)
def test_a_package_of_ours_has_its_folder_as_its_one_source(source: Any, words: list[str]) -> None:
    recipe = parse(json.dumps({"package": {"name": "x", "version": "1"}, "source": source}, indent=1), "r")
    with pytest.raises(FlowlockError) as caught:
        own_source(recipe)
    assert [problem.message for problem in caught.value.problems] == words
    for problem in caught.value.problems:
        assert problem.code == "FL312"
        assert problem.location is not None
        assert problem.location.line is not None
        assert problem.location.line > 1
        vendored = "git" in problem.message or "url" in problem.message
        assert ("recipes/vendor" in str(problem.hint)) is vendored


def vendored(url: str, **more: Any) -> str:
    source = {"url": url, "sha256": DIGEST, **more}
    return recipe_text(context={"v": "1"}, source=source, extra={"epoch": "2026-01-01T00:00:00Z"})


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("http://h/x/..%2F..%2F..%2FEVIL.tar.gz", "EVIL.tar.gz"),
        ("http://h/x/a%20b-${{ v }}.tar.gz?from=/etc#/there", "a b-1.tar.gz"),
        ("https://h/x/%252e%252e", "%2e%2e"),
    ],
)
def test_the_name_of_a_download_is_the_last_of_its_path(url: str, file: str) -> None:
    assert origin(parse(vendored(url), "r")).download.file == file


@pytest.mark.parametrize(
    "url",
    [
        "http://h",
        "http://h/x/",
        "http://h/x/%2e%2e",
        "http://h/..",
        "http://h/x%2F",
        "http://h/a%5C..%5Cb",
        "http://h/a%00b",
        "http://h/a%0Ab",
        "file:///etc/hosts",
        "/etc/hosts",
        "http://[::1/x",
        "http://h/${{ w }}",
        "http://h/${{ v | unknown }}",
        ["http://h/a"],
    ],
)
def test_a_download_without_a_name_of_its_own_is_refused(url: Any) -> None:
    with pytest.raises(FlowlockError) as caught:
        origin(parse(vendored(url), "r"))
    (problem,) = caught.value.problems
    assert problem.code == "FL316"
    assert problem.message.startswith("url: ")
    assert problem.location is not None
    assert problem.location.column is not None
    assert problem.location.column > 1


@pytest.mark.parametrize("key", ["git", "path"])
def test_an_archive_has_no_other_source_beside_it(key: str) -> None:
    with pytest.raises(FlowlockError, match="1 problem") as caught:
        origin(parse(vendored("http://h/a", **{key: "x"}), "r"))
    assert key in caught.value.problems[0].message
