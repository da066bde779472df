"""The parameters file."""

from pathlib import Path

import pytest

from flowlock_core.errors import Problem, WorkflowError
from flowlock_core.parameters.formdata import to_form, to_params
from flowlock_core.parameters.params import Params, load_params, parse_params


def parse(text: str) -> Params:
    return parse_params(text, file="p.yaml", base=Path("/base"))


def problems(text: str) -> list[str]:
    try:
        found = parse(text).problems
    except WorkflowError as error:
        found = error.problems
    return [str(problem).partition("\n")[0] for problem in found]


def place(params: Params, code: str, step: str, parameter: str | None = None) -> str:
    return str(params.locate(Problem(code=code, message="", step=step, parameter=parameter)))


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
    assert place(params, "FL728", "a") == "p.yaml:1:1"
    assert place(params, "FL728", "a", "b") == "p.yaml:3:5"
    assert place(params, "FL728", "a", "b[1].c") == "p.yaml:4:10"
    assert place(params, "FL728", "a", "b[7].x") == "p.yaml:3:5"
    assert place(params, "FL728", "a", "d") == "p.yaml:1:1"
    assert place(params, "FL728", "other", "b") == "None"


def test_an_unknown_name_is_at_the_name_and_what_is_missing_at_what_lacks_it() -> None:
    params = parse("a:\n  b: {c: 1}\n\n")
    assert place(params, "FL724", "a") == "p.yaml:1:1"
    assert place(params, "FL725", "a", "b") == "p.yaml:2:3"
    assert place(params, "FL725", "a", "b.c") == "p.yaml:2:7"
    assert place(params, "FL727", "a", "d") == "p.yaml:1:1"
    assert place(params, "FL727", "a", "b.d") == "p.yaml:2:6"
    # A step that is not there at all belongs at the end.
    assert place(params, "FL727", "other", "b") == "p.yaml:4:1"
    assert place(parse(""), "FL727", "other", "b") == "p.yaml:1:1"


def test_keys_that_stand_twice_are_all_told() -> None:
    assert problems("a: {b: 1, b: 2}\na: {}\n") == [
        "p.yaml:1:11: FL722 the key `b` is given twice",
        "p.yaml:2:1: FL722 the key `a` is given twice",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [1", "p.yaml:1:4: FL721 not YAML: the bracket `[` that begins here is not closed"),
        ("a:\n\t- b", "p.yaml:2:1: FL721 not YAML: a line is indented with a tab"),
        (
            "a: !!python/object:os.system {}",
            "p.yaml:1:4: FL740 the tag `!!python/object:os.system`",
        ),
        ("[1, 2]", "p.yaml:1:1: FL723 expected a mapping of steps"),
        ("a: 1", "p.yaml:1:4: FL723 a: expected a mapping of parameters"),
        ("a: {1: 2}", "p.yaml:1:5: FL743 a key must be a string"),
        ("a: *b", "p.yaml:1:4: FL721 the alias `*b` is not defined"),
        ("a:\n  b: [1, 007]", "p.yaml:2:10: FL740 `007` begins with a zero"),
        ("é: 1\na: \0", "p.yaml:2:4: FL742 the character U+0000 is not allowed in YAML"),
        ("a: {b: 1}\n---\na: {b: 2}", "p.yaml:2:1: FL744 a second document"),
        ("b: 1\n{a: 1}: {}", "p.yaml:2:1: FL743 a key must be a string"),
    ],
)
def test_what_is_no_mapping_of_mappings_is_told_with_its_place(text: str, told: str) -> None:
    assert problems(text)[0].startswith(told)


def test_aliases_that_multiply_are_no_trap() -> None:
    lines = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    told = problems("\n".join(["a0: &a0 {b: 1}", *lines]))
    assert told == ["p.yaml:6:50: FL741 aliases make this document too large"]


def test_aliases_are_followed_and_loops_are_refused() -> None:
    assert parse("a: &x {b: 1}\nc: *x").by_step == {"a": {"b": 1}, "c": {"b": 1}}
    assert problems("a: &x\n  b: *x\n") == ["p.yaml:2:6: FL721 the alias `*x` refers to itself"]


def test_relative_paths_start_at_the_files_folder(tmp_path: Path) -> None:
    file = tmp_path / "é p.yaml"
    file.write_text("a: {}\n", encoding="utf-8")
    assert load_params(str(file)).base == tmp_path


def test_an_unreadable_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorkflowError, match=r"cannot read the parameters file .*No such file"):
        load_params(str(tmp_path / "no.yaml"))
    (tmp_path / "bad.yaml").write_bytes("a: {b: c}\nd: é".encode("latin-1"))
    with pytest.raises(WorkflowError, match=r"bad.yaml:2:4: FL720 the parameters file is not in UTF-8"):
        load_params(str(tmp_path / "bad.yaml"))
    with pytest.raises(WorkflowError, match="Is a directory"):
        load_params(str(tmp_path))


def test_empty_objects_of_a_form_say_nothing_and_anything_else_is_refused() -> None:
    groups = {"Choices": ["high"]}
    steps = ["levels", "high"]
    form = {"levels": {"path": "a"}, "Choices": {"high": {}, "bare": {}}, "alone": {}, "Empty group": {}}
    assert to_params(form, groups, steps) == {"levels": {"path": "a"}, "high": {}}
    assert to_form({"levels": {"path": "a"}, "bare": {}}, groups, steps) == {"levels": {"path": "a"}}
    for wrong in ({"alone": {"x": 1}}, {"Choices": {"bare": {"x": 1}}}, {"alone": None}):
        with pytest.raises(WorkflowError):
            to_params(wrong, groups, steps)
    with pytest.raises(WorkflowError):
        to_form({"bare": {"x": 1}}, groups, steps)
