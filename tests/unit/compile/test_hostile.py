"""Text from a spec reaches generated files as data only, whatever it is (DESIGN.md, I5)."""

import ast
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from flowlock.compile.code.python import one_line
from flowlock.compile.package import render
from flowlock.report.renderings import errors
from flowlock.spec.catalog import Catalog
from flowlock.spec.rules.check import check_text
from shared import ROOT, seeded
from specs import FACTS, catalog, package_of, problems_of, signatures

PARTS = [
    *('"', "'", '"""', "'''", "\\", "\\\\", "\n", "\r\n", "\t", "\0", "\x1b[31m", "\x7f", "\x85", "\u2028"),
    *(
        "\u202e",
        "\ufeff",
        "{{ x }}",
        "{% raw %}",
        "${x}",
        "$x",
        "$$",
        "%s",
        "%(x)s",
        "{0}",
        "#",
        "# noqa",
        "`",
    ),
    *(
        "# type: ignore",
        "|",
        "<b>",
        "__import__('os').system('true')",
        "}}",
        "]]",
        ")",
        "(",
        ":",
        "\\N{BULLET}",
    ),
    *(
        "raise SystemExit",
        "\\u0041",
        "é",
        "日本",
        "🐧",
        " ",
        "  ",
        "end",
        "```",
        "-->",
        "1",
        "True",
        "None",
        ";",
    ),
    *("\\\n", "f'{x}'", "b''", "import os", "\n\nimport os\n", '"); import os; ("', "');import os;('", "*/"),
    *("=cmd|' /C calc'!A0", "\n```\n# Other", "\n---\n", "&a", "*a", "!!python/object:os.system"),
]


def strings() -> list[str]:
    """Return every part, and seeded combinations of several."""
    chance = seeded(20261101)
    return sorted({*PARTS, *("".join(chance.choices(PARTS, k=chance.randint(2, 5))) for _ in range(560))})


HOSTILE = strings()


def spec_of(text: str) -> str:
    """Return a valid spec with the text in every place that takes any text."""
    document = {
        "id": "demo",
        "metadata": {"title": text, "description": text, "maintainers": [text or "x"]},
        "requirements": [{"name": "demo-tasks"}],
        "workflow": [
            {
                "id": "first",
                "name": text,
                "task": "anything",
                "partial": {"value": [text, {text: text}], "more": {"a": text}},
            },
            {
                "type": "task-group",
                "title": f"Group {text}",
                "description": text,
                "tasks": [
                    {
                        "id": "last",
                        "name": text,
                        "task": "anything",
                        "map": {"argnames": "value", "argvalues": [text, [text]]},
                    }
                ],
            },
        ],
    }
    return yaml.dump(document, Dumper=yaml.CSafeDumper)


class Recorder:
    """Runs a generated function and keeps what it says."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __call__(self, task: Any, name: str, /) -> "Recorder":
        self.calls.append(("step", (task.name, name), {}))
        return self

    def __getattr__(self, name: str) -> Any:
        def record(*positional: Any, **named: Any) -> "Recorder":
            self.calls.append((name, positional, named))
            return self

        return record


def executed(source: str) -> Recorder:
    namespace: dict[str, Any] = {"__name__": "generated"}
    exec(compile(source, "workflow.py", "exec"), namespace)  # noqa: S102 - that is the test
    recorder = Recorder()
    namespace["demo"](recorder)
    return recorder


def allowed(tree: ast.AST) -> Iterator[str]:
    """Yield every name that generated code uses."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield f".{node.attr}"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield f"from {getattr(node, 'module', None)}"


def test_there_are_enough_hostile_strings() -> None:
    assert len(HOSTILE) >= 500


@pytest.mark.parametrize("chunk", range(8))
def test_hostile_text_is_a_literal_of_the_same_value(chunk: int) -> None:
    for text in HOSTILE[chunk::8]:
        package = package_of(spec_of(text))
        source = package["flowlock_demo_workflow/workflow.py"]
        assert set(allowed(ast.parse(source))) <= {
            "step", "anything", "first", "Any", "Steps", ".call", ".map", ".partial",
            "from typing", "from demo_tasks.shapes", "from flowlock_core.execute", "from flowlock_core.cli",
            "__name__", "SystemExit", "run_alone", "demo", "__file__",
        }, text  # fmt: skip
        assert executed(source).calls == [
            ("step", ("anything", "first"), {}),
            ("partial", (), {"value": [text, {text: text}], "more": {"a": text}}),
            ("call", (), {}),
            ("step", ("anything", "last"), {}),
            ("map", (["value"], [text, [text]]), {}),
        ]


@pytest.mark.parametrize("chunk", range(8))
def test_hostile_text_leaves_the_other_files_what_they_are(chunk: int) -> None:
    plain = package_of(spec_of("text"))
    for text in HOSTILE[chunk::8]:
        package = package_of(spec_of(text))
        assert package.keys() == plain.keys()
        project = tomllib.loads(package["pyproject.toml"])
        expected = tomllib.loads(plain["pyproject.toml"])
        for table in (project["project"], expected["project"]):
            table.pop("description")
            table.pop("maintainers", None)
        assert project == expected
        schema = json.loads(package["flowlock_demo_workflow/params.schema.json"])
        assert schema["properties"].keys() == {"last"}
        drawing = ET.fromstring(package["flowlock_demo_workflow/graph.svg"])  # noqa: S314 - ours
        tags = [element.tag for element in drawing.iter()]
        assert not {tag.rpartition("}")[2] for tag in tags} - SVG_TAGS
        readme = package["README.md"]
        assert lines_below(readme) == lines_below(plain["README.md"])
        assert readme.split("## Steps")[1].count("```") == 2
        for path, content in package.items():
            assert not any(letter in content for letter in "\0\x1b\x7f\u2028\u202e"), path
            assert "\r" not in content


MARKUP = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "a <!-- b --> c & d &lt; e",
    "</p><h1>x",
    "- a list",
    "1. a list",
    "+ a",
    "= a",
    "[x](javascript:alert(1))",
    "![x](https://example.org/x.png)",
    "<https://example.org>",
]


@pytest.mark.parametrize("text", [*MARKUP, *HOSTILE[:40]])
def test_a_readme_shows_text_and_has_no_markup_of_it(text: str) -> None:
    from markdown_it import MarkdownIt

    readme = package_of(spec_of(text))["README.md"]
    tokens = MarkdownIt("commonmark").enable("table").parse(readme)
    inline = [child for token in tokens for child in token.children or ()]
    kinds = {token.type for token in (*tokens, *inline)}
    assert kinds.isdisjoint({"html_block", "html_inline", "image", "ordered_list_open"})
    links = [dict(token.attrs)["href"] for token in inline if token.type == "link_open"]
    assert links == ["flowlock_demo_workflow/graph.svg"]
    heading = next(token for token in tokens if token.type == "inline")
    shown = "".join(child.content for child in heading.children or ())
    assert shown == (one_line(text) or "Demo")


# A drawing has none that could run or fetch something.
SVG_TAGS = {"svg", "title", "style", "rect", "path", "text", "g"}


def lines_below(readme: str) -> int:
    """Return how many lines stand below the description, which may have several paragraphs."""
    return readme.partition("## Run it")[2].count("\n")


PLACES = ("id", "task", "argument", "argname", "step", "requirement", "version", "channel", "condition")


@pytest.mark.parametrize("place", [*PLACES, "environment"])
def test_hostile_names_are_refused_wherever_a_name_is_expected(place: str) -> None:
    for text in HOSTILE:
        name = f"{text}x;"
        words = SimpleNamespace(**{**dict.fromkeys(PLACES), place: name})
        step: dict[str, Any] = {
            "id": words.step or "one",
            "task": words.task or "anything",
            "partial": {words.argument or "more": 1},
            "map": {"argnames": [words.argname or "value"], "argvalues": []},
            "skipif": {"conditions": [words.condition or "never"]},
        }
        if place == "environment":
            step["partial"] = {"more": f"${{{{ env.{name} }}}}"}
        requirement = {
            "name": words.requirement or "demo-tasks",
            "version": words.version or "*",
            "channel": words.channel or "conda-forge",
        }
        document = {"id": words.id or "demo", "requirements": [requirement], "workflow": [step]}
        problems = errors(problems_of(yaml.dump(document, Dumper=yaml.CSafeDumper)))
        assert problems, (place, name)
        assert all("\n" not in problem.message for problem in problems)


def test_linters_find_nothing_in_code_with_hostile_texts(tmp_path: Path) -> None:
    for number, text in enumerate(HOSTILE):
        source = package_of(spec_of(text))["flowlock_demo_workflow/workflow.py"]
        (tmp_path / f"hostile_{number}.py").write_text(source, encoding="utf-8")
    (tmp_path / "__init__.py").write_text('"""Generated."""\n')
    ruff = Path(sys.executable).parent / "ruff"
    options = ["--no-cache", "--config", str(ROOT / "pyproject.toml"), "--config", 'src = ["."]']
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [ruff, *command, *options, tmp_path], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_text_of_almost_a_megabyte_is_compiled() -> None:
    text = "word \" ' \\ " * 80_000
    step = {"id": "a", "task": "anything", "partial": {"value": text}}
    document = {"id": "demo", "requirements": ["demo-tasks"], "workflow": [step]}
    source = package_of(yaml.dump(document, Dumper=yaml.CSafeDumper))["flowlock_demo_workflow/workflow.py"]
    assert executed(source).calls[1] == ("partial", (), {"value": text})


def test_a_longer_text_is_refused() -> None:
    problems = problems_of(f"id: demo\nworkflow: [{{id: a, task: number, name: {'x' * 1_000_001}}}]")
    assert [problem.code for problem in problems] == ["FL105"]


def test_registration_in_another_order_gives_the_same_bytes() -> None:
    text = spec_of("text")
    spec, _ = check_text(text, "spec.yaml", catalog(), FACTS)
    assert spec is not None
    turned = Catalog.of(reversed(signatures()), distributions=["pandas"])
    assert render(spec, turned, FACTS, source=text) == render(spec, catalog(), FACTS, source=text)
