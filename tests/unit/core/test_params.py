"""The parameters file."""

from pathlib import Path

import pytest

from flowlock_core.errors import WorkflowError
from flowlock_core.params import Params, load_params, parse_params


def parse(text: str) -> Params:
    return parse_params(text, file="p.yaml", base=Path("/base"))


def problems(text: str) -> list[str]:
    with pytest.raises(WorkflowError) as caught:
        parse(text)
    return [str(problem) for problem in caught.value.problems]


def test_yaml_and_json_give_the_same() -> None:
    assert (
        parse("a: {b: [1, x]}").by_step == parse('{"a": {"b": [1, "x"]}}').by_step == {"a": {"b": [1, "x"]}}
    )


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}", "null"])
def test_nothing_is_no_parameters(text: str) -> None:
    assert parse(text).by_step == {}


def test_a_step_without_parameters_is_allowed() -> None:
    assert parse("a:\nb: {c: 1}").by_step == {"a": {}, "b": {"c": 1}}


def test_each_value_has_a_place() -> None:
    params = parse("a:\n  b:\n    - 1\n    - c: 2\n")
    assert params.place("a", None) == "p.yaml:1:1"
    assert params.place("a", "b") == "p.yaml:2:3"
    assert params.place("a", "b[1].c") == "p.yaml:4:7"
    assert params.place("a", "b[7].x") == "p.yaml:2:3"
    assert params.place("other", "b") == "p.yaml:1:1"


def test_keys_that_stand_twice_are_all_told() -> None:
    assert problems("a: {b: 1, b: 2}\na: {}\n") == [
        "p.yaml:1:11: the key `b` stands here twice",
        "p.yaml:2:1: the key `a` stands here twice",
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: [1", "p.yaml:2:1"),
        ("a:\n\t- b", "p.yaml:2:1"),
        ("a: !!python/object:os.system {}", "p.yaml"),
        ("[1, 2]", "p.yaml:1:1"),
        ("a: 1", "p.yaml:1:1"),
        ("a: {1: 2}", "p.yaml:1:1"),
        ("a: *b", "p.yaml:1:4"),
        ("a: 2024-13-45", "p.yaml"),
        ("a: \0", "p.yaml"),
        ("{a: 1}: {}", "p.yaml"),
    ],
)
def test_what_is_no_mapping_of_mappings_is_told_with_its_place(text: str, place: str) -> None:
    assert problems(text)[0].startswith(place)


def test_aliases_are_followed_and_loops_end() -> None:
    assert parse("a: &x {b: 1}\nc: *x").by_step == {"a": {"b": 1}, "c": {"b": 1}}
    parse("a: &x\n  b: *x\n")


def test_relative_paths_start_at_the_files_folder(tmp_path: Path) -> None:
    file = tmp_path / "é p.yaml"
    file.write_text("a: {}\n", encoding="utf-8")
    assert load_params(str(file)).base == tmp_path


def test_an_unreadable_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorkflowError, match=r"cannot read the parameters file .*No such file"):
        load_params(str(tmp_path / "no.yaml"))
    (tmp_path / "bad.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(WorkflowError, match="not in UTF-8"):
        load_params(str(tmp_path / "bad.yaml"))
    with pytest.raises(WorkflowError, match="Is a directory"):
        load_params(str(tmp_path))
