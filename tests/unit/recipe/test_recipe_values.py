"""What the values of a recipe mean: versions, variables of `context`, pins; and what they must not be."""

import json
from typing import Any

import pytest

from flowlock.builder.plan.order import needs
from flowlock.errors import FlowlockError
from flowlock.names import FileName, Version
from flowlock.recipe.document import parse
from flowlock.recipe.values import resolve

BASE = "package: {name: x, version: '1'}\n"


def refused(text: str) -> list[tuple[str, str, str]]:
    with pytest.raises(FlowlockError) as caught:
        parse(text, "r")
    return [(problem.code, str(problem.location), problem.message) for problem in caught.value.problems]


def of_json(**document: Any) -> str:
    return json.dumps({"package": {"name": "x", "version": "1"}, **document})


@pytest.mark.parametrize(
    "version",
    [
        "1",
        "0.1.0",
        "1.10",
        "2024a",
        "9e",
        "1.1.1w",
        "1!2.0",
        "2.0+cu121.1",
        "1.0_",
        "1.0a1.post2.dev3",
        "r4_3",
    ],
)
def test_versions_of_conda_packages_are_versions(version: str) -> None:
    assert Version(version) == version
    assert parse(of_json(package={"name": "x", "version": version}), "r").version == version


@pytest.mark.parametrize(
    "version",
    [
        "",
        " ",
        "1 2",
        "/../../x/pwned",
        "..",
        ".1",
        "1.",
        "1..2",
        "1-2",
        "a/b",
        "1\n",
        "1+",
        "!1",
        "a!1",
        "*",
        "1.0é",
        "1" * 65,
        "1" * 20,
        "${{ version | upper }}",
        "${{ nothing }}",
    ],
)
def test_what_is_no_version_is_refused_before_it_is_part_of_a_file_name(version: str) -> None:
    for package in (
        {"package": {"name": "x", "version": version}},
        {"context": {"v": version}, "package": {"name": "x", "version": "${{ v }}"}},
    ):
        ((code, _, message),) = refused(json.dumps(package))
        assert code == "FL311"
        assert message.startswith("package.version: `")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("0x10", "16"),
        ("1.10", "1.1"),
        ("1.5", "1.5"),
        ("+1", "1"),
        ("true", "True"),
        ("1e3", "1000.0"),
    ],
)
def test_a_version_whose_text_is_lost_must_be_quoted(written: str, read: str) -> None:
    message = f"package.version: `{written}` without quotes is parsed as `{read}`"
    assert refused(f"package:\n  name: x\n  version: {written}\n") == [("FL311", "r:3:12", message)]
    direct = f"context:\n  v: {written}\npackage: {{name: x, version: '${{{{ v }}}}'}}\n"
    assert refused(direct) == [("FL311", "r:2:6", message)]
    through = (
        f"context:\n  v: {written}\n  w: 1.${{{{ v }}}}.b\npackage: {{name: x, version: '${{{{ w }}}}'}}\n"
    )
    assert refused(through) == [("FL311", "r:2:6", message)]
    parse(f"package: {{name: x, version: '{written.strip('+').replace(':', '.')}'}}\n", "r")


@pytest.mark.parametrize("written", ["1_0", "yes", "v1"])
def test_a_version_that_yaml_1_2_reads_as_a_text_needs_no_quotes(written: str) -> None:
    assert parse(f"package: {{name: x, version: {written}}}\n", "r").version == written


def test_whole_numbers_and_the_texts_of_names_and_build_numbers_count_too() -> None:
    assert parse("package: {name: x, version: 2}\nbuild: {number: 3}\n", "r").version == "2"
    assert refused(BASE + "build:\n  number: 010\n")[0][:2] == ("FL103", "r:3:11")
    assert refused(BASE + "build: {number: -1}\n")[0][:2] == ("FL311", "r:2:17")
    assert refused("package: {name: 0x10, version: '1'}\n")[0][:2] == ("FL311", "r:1:17")


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ("source: hello\n", "r:2:9"),
        ("source: [[path], {if: linux, then: 5}]\n", "r:2:11"),
        ("build: {noarch: [generic]}\n", "r:2:17"),
        ("build: {noarch: false}\n", "r:2:17"),
        ("build: {skip: 5}\n", "r:2:15"),
        ("build: {python: []}\n", "r:2:17"),
        ("build: {python: {entry_points: 5}}\n", "r:2:32"),
        ("build: none\n", "r:2:8"),
        ("tests: 5\n", "r:2:8"),
        ("tests: [null]\n", "r:2:9"),
        ("requirements: {build: 5}\n", "r:2:23"),
        ("requirements: {run: [{name: b}]}\n", "r:2:22"),
        ("extra: [a]\n", "r:2:8"),
        ("context: {v: '${{ v }}'}\n", "r:2:14"),
        ("context: {v: '${{ w }}', w: 'a ${{ v }}'}\n", "r:2:14"),
    ],
)
def test_values_of_another_kind_are_problems_of_the_recipe(document: str, place: str) -> None:
    found = refused(BASE + document)
    assert (found[0][0], found[0][1]) == ("FL311", place)


def test_a_version_that_needs_itself_is_one_problem_of_the_context() -> None:
    found = refused("context: {v: '${{ v }}'}\npackage: {name: x, version: '${{ v }}'}\n")
    assert ("FL311", "r:1:14", "`v` of `context` refers to itself") in found


@pytest.mark.parametrize(
    "pin",
    [
        "pin_subpackage('b', exact=True)",
        "pin_subpackage(('b'), exact=True)",
        'pin_subpackage("b", exact = true)',
        "pin_subpackage('b', lower_bound=('x'), exact=not false)",
        "pin_subpackage('b', exact=false or true)",
        "pin_subpackage('b', **{'exact': true})",
        "pin_subpackage('b',\n exact=True)",
    ],
)
def test_an_exact_pin_is_found_in_whatever_value_it_stands(pin: str) -> None:
    for document in (
        {"requirements": {"run": [f"${{{{ {pin} }}}}"]}},
        {"requirements": {"run_exports": [{"if": "linux", "then": f"${{{{ {pin} }}}}"}]}},
        {"context": {"b": f"${{{{ {pin} }}}}"}},
    ):
        assert [code for code, _, _ in refused(of_json(**document))] == ["FL313"]


def test_what_only_speaks_of_exact_pins_is_none() -> None:
    text = BASE + "requirements:\n  # never pin_subpackage('y', exact=True)\n  run: ['${{ %s }}']\n"
    for pin in (
        "pin_subpackage('y', exact=False)",
        "pin_subpackage('exact')",
        "pin_subpackage('y', exact=false,)",
    ):
        parse(text.replace("'${{ %s }}'", json.dumps(f"${{{{ {pin} }}}}")), "r")


def test_variables_of_the_context_are_put_into_requirements() -> None:
    recipe = parse(
        of_json(
            context={"name": "alpha", "core": "${{ name }}-core", "low": 2},
            requirements={
                "build": ["${{ compiler('c') }}", "${{ stdlib }} >=1"],
                "host": [{"if": "linux", "then": ["${{ core }} >=${{ low }}"], "else": "${{ name }}"}],
                "run": ["${{ pin_subpackage(name, upper_bound='x') }}", "${{ pin_compatible('numpy') }}"],
            },
        ),
        "r",
    )
    assert recipe.requirements("build") == ("${{ compiler('c') }}", "${{ stdlib }} >=1")
    assert recipe.requirements("host") == ("alpha-core >=2", "alpha")
    assert recipe.requirements("run") == (
        "${{ pin_subpackage('alpha', upper_bound='x') }}",
        "${{ pin_compatible('numpy') }}",
    )
    assert needs(recipe, ["alpha", "alpha-core", "numpy", "low"]) == {"alpha", "alpha-core", "numpy"}


def test_a_pin_in_brackets_is_a_need() -> None:
    text = of_json(requirements={"run": ["${{ pin_subpackage(('b')) }}"]})
    assert needs(parse(text, "r"), ["b"]) == {"b"}


def test_how_a_source_is_staged_is_an_input_of_the_identity() -> None:
    plain, into = (
        parse(of_json(source={"path": path, **more}), "r")
        for path, more in (("../a", {}), ("../b", {"target_directory": "in"}))
    )
    assert plain.canonical["source"] == [{"path": "."}]
    assert into.canonical["source"] == [{"path": ".", "target_directory": "in"}]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "a\nb", "a\x00", "a\x7f"])
def test_a_file_name_leads_nowhere_else(name: str) -> None:
    with pytest.raises(ValueError, match="is not a file name"):
        FileName(name)


def test_ordinary_file_names_are_file_names() -> None:
    assert [FileName(name) for name in ("a.tar.gz", "...", ".hidden", "é b")]


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("name | lower", "x-y"),
        ("name|lower|replace('-', '_')", "x_y"),
        ("(version | split('.'))[:2] | join('.')", "1.2"),
        ("version | split('.') | first", "1"),
        ("version | split('.') | last", "3"),
        ("version | split('.') | length", "3"),
        ("version | split('.') | reverse | list | join('-')", "3-2-1"),
        ("' a ' | trim", "a"),
        ("'007' | int", "7"),
        ("version[2:]", "2.3"),
        ("(version | split('.'))[0]", "1"),
        ("number ~ '.' ~ version", "1.1.2.3"),
        ("number + 1", "2"),
        ("short | upper", "1.2"),
    ],
)
def test_common_filters_are_evaluated_as_the_engine_does(expression: str, result: str) -> None:
    from rattler_build import Stage0Recipe, VariantConfig

    context = {
        "name": "X-Y",
        "version": "1.2.3",
        "number": 1,
        "short": "${{ (version | split('.'))[:2] | join('.') }}",
    }
    text = f"${{{{ {expression} }}}}"
    assert resolve(text, {"context": context}) == result
    recipe = of_json(context=context, about={"summary": text})
    (rendered,) = Stage0Recipe.from_yaml(recipe).render(VariantConfig({}))
    assert rendered.recipe.to_dict()["about"]["summary"] == result


@pytest.mark.parametrize(
    "expression",
    [
        "compiler('c')",
        "name if linux",
        "name.__class__",
        "name.split('.')[0]",
        "name.__class__.__mro__",
        "'a' * 1000000000",
        "range(10)",
        "missing | lower",
        "[1, 2]",
        "name | nosuch",
        "name | replace('', 'x')",
        "name |",
        "'9' * 9 | int",
    ],
)
def test_any_other_expression_is_refused_where_a_text_is_needed(expression: str) -> None:
    with pytest.raises(ValueError, match="`"):
        resolve(f"${{{{ {expression} }}}}", {"context": {"name": "x"}})


def test_variables_that_multiply_are_refused_at_once() -> None:
    doubling = {f"a{n}": f"${{{{ a{n + 1} }}}}${{{{ a{n + 1} }}}}" for n in range(40)}
    assert resolve("${{ a0 }}", {"context": {**doubling, "a40": ""}}) == ""
    growing = "name" + "| replace('x', 'xxxxxxxxxx')" * 12
    deep = {f"a{n}": f"${{{{ a{n + 1} }}}}" for n in range(500)}
    for text, context in (
        ("${{ a0 }}", {**doubling, "a40": "x"}),
        (f"${{{{ {growing} }}}}", {"name": "x"}),
        ("${{ a0 }}", {**deep, "a500": ""}),
    ):
        with pytest.raises(ValueError, match=r"longer than|too long|more than"):
            resolve(text, {"context": context})


def test_a_name_made_by_a_filter_is_a_name() -> None:
    text = of_json(context={"name": "X-Y"}, package={"name": "${{ name | lower }}", "version": "1"})
    assert parse(text, "r").name == "x-y"


@pytest.mark.parametrize(
    "line", ["run", "run = main", "../run = a:b", "run = a:b c", " = a:b", "a/b = c:d", "x = a.:b"]
)
def test_a_command_that_is_none_is_refused(line: str) -> None:
    ((code, place, message),) = refused(of_json(build={"python": {"entry_points": ["ok = a.b:c.d", line]}}))
    assert (code, place) == ("FL311", place)
    assert "is not a command" in message


def test_a_build_string_is_refused_with_the_reason() -> None:
    ((code, _, message),) = refused(of_json(build={"string": "mine_0"}))
    assert (code, message) == ("FL311", "build.string has no effect")
