"""The documentation is true: links lead somewhere, codes have sections, examples do what is said of them."""

import inspect
import re
import sys
import tomllib
from collections import defaultdict
from functools import cache
from importlib import import_module
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
import yaml

from flowlock import workspace
from flowlock.errors import Problem, Severity
from flowlock.report.explanations import PAGE, explanations
from flowlock.spec.catalog import Catalog
from flowlock.spec.facts import WorkspaceFacts, facts_of
from flowlock.spec.layout import parse_layout
from flowlock.spec.parse import SPEC_KEYS
from flowlock.spec.rules.check import check_text
from flowlock_core.execute.mocks import load_mock, mock_of
from flowlock_core.registry import GROUP, Registration
from flowlock_core.schema import signature
from flowlock_core.testing import Case
from pages import FENCE, NAMES, SOURCES, room, texts
from shared import ROOT
from specs import with_verdicts

CODE = re.compile(r"FL\d{3}")

# Where each hundred of codes is at home (folders of the toolchain); a command may use the codes of any stage.
HOMES = {
    "0": {"cli", "edges", "errors"},
    "1": {"commands", "documents", "spec"},
    "2": {"commands", "tasks"},
    "3": {"builder", "commands", "conda", "documents", "recipe", "scaffold", "workspace"},
    "4": {"base"},
    "5": {"builder", "commands", "conda", "edges"},
    "6": {"channel", "commands", "documents", "lock"},
    "7": {
        "commands",
        "flowlock_core",
        "flowlock_dagster",
        "flowlock_ext_privacy",
        "flowlock_serve",
        "preview",
        "running",
    },
    "8": {"commands", "edges", "release"},
    "9": {"commands", "deploy", "edges", "flowlock_dagster", "image", "lifecycle", "release"},
}
# Codes that mean the same in more than one place, some of them far from their home.
SHARED = {
    "FL003": {"cli", "flowlock_core", "flowlock_serve"},  # interrupted: a command, or a run of a service
    "FL004": {"cli", "flowlock_core", "flowlock_serve"},  # a bug, likewise
    "FL011": {"errors", "release"},  # a folder that cannot be written
    "FL012": {"errors", "release"},  # a folder that is not there
    "FL022": {"builder", "edges"},  # a download without an answer, and what else helps where it is a build's
    "FL104": {"documents", "spec"},  # not one mapping: in the text, or of a spec
    "FL106": {"commands", "documents"},  # not UTF-8: found while reading, or in the text
    "FL130": {"commands", "spec"},  # no such task: in a spec, or on the command line
    "FL133": {"commands", "spec"},  # several tasks of one name, likewise
    "FL201": {"commands", "spec"},  # a task that cannot be imported, likewise
    "FL202": {"commands", "tasks"},  # a process that describes tasks ends: of sources, of an environment
    "FL002": {"cli", "commands"},  # what an argument may be is not always known to the parser
    "FL302": {
        "commands",
        "recipe",
        "release",
        "workspace",
    },  # flowlock.toml and pyproject.toml are TOML, or not
    "FL329": {"documents"},  # the one reader of TOML, whatever the file is for
    "FL330": {"documents"},  # likewise
    "FL305": {"documents", "workspace"},  # no such workflow: in flowlock.toml, or named by a command
    "FL306": {"scaffold", "workspace"},  # a folder that cannot name what is in it
    "FL312": {"builder", "recipe"},  # a path that leaves the package: in the text, or followed
    "FL323": {"builder", "recipe"},  # several names: of recipe and pyproject, or where there is no recipe yet
    "FL413": {"base", "builder", "edges"},  # never downloaded, and --offline
    "FL414": {"builder", "edges"},  # a download with another digest than promised
    "FL605": {"builder", "channel"},  # damaged bytes: in the channel, or in a copy of it
    "FL606": {"edges"},  # a port that is taken: for a channel, or a preview
    "FL712": {"preview", "running"},  # a process that ended by itself: a command's, or a preview's
    "FL723": {
        "flowlock_core",
        "flowlock_dagster",
        "flowlock_serve",
    },  # not a mapping: in a file, or a request
    "FL734": {"flowlock_core", "flowlock_serve"},  # results that cannot be written: by a run, or a service
    "FL739": {"flowlock_core", "flowlock_serve"},  # options of a command, or of a request
    "FL749": {"flowlock_core", "flowlock_serve"},  # a bucket of results: of a run, or of a service
    "FL756": {"flowlock_core", "flowlock_serve"},  # a process that was killed: found by a run, or a service
    "FL762": {"flowlock_core", "flowlock_serve"},  # Dask is missing, likewise
    "FL754": {
        "flowlock_core",
        "flowlock_dagster",
        "flowlock_ext_ecoscope",
        "flowlock_ext_privacy",
    },  # what a connection leads to refuses: a server, a site of EarthRanger, a vault
    "FL798": {"commands", "flowlock_dagster"},  # a broken package of a location: read, or loaded
    "FL951": {"commands", "deploy"},  # a location that Dagster does not have, or could not load
    "FL946": {"commands", "edges"},  # a remote without the branch, or one that cannot be read
    "FL829": {"commands", "release"},  # no reviewed lock: none in the commit, or one that pins too little
}


@cache
def codes() -> dict[str, set[str]]:
    """Return each problem code of the source, with the rooms that use it."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in SOURCES:
        for text in texts(path):
            if CODE.fullmatch(text):
                found[text].add(room(path))
    return dict(found)


@cache
def sections() -> dict[str, str]:
    """Return the sections of docs/problems.md by code."""
    page = (ROOT / "docs/problems.md").read_text()
    return {code: one.section for code, one in explanations(page).items()}


def test_the_package_has_the_page_of_problems(*, refresh_golden: bool) -> None:
    page, packaged = ROOT / "docs/problems.md", ROOT / "src/flowlock/flowlock/report" / PAGE
    if refresh_golden:
        packaged.write_text(page.read_text())
    assert packaged.read_text() == page.read_text()
    assert list(explanations()) == re.findall(r"^### (.+)$", page.read_text(), re.MULTILINE)


def test_every_problem_code_has_a_section_and_every_section_a_code() -> None:
    assert sorted(sections()) == sorted(codes())


def test_sections_are_in_order_and_none_is_there_twice() -> None:
    headings = re.findall(r"^### (.+)$", (ROOT / "docs/problems.md").read_text(), re.MULTILINE)
    assert headings == sorted(set(headings))


@pytest.mark.parametrize("code", sorted(sections()))
def test_a_section_says_what_a_code_means_with_an_example_and_a_fix(code: str) -> None:
    text = sections()[code]
    assert text.startswith("**")
    assert "For example:" in " ".join(text.split()) or "```yaml" in text
    assert "Fix:" in " ".join(text.split())


def test_a_code_is_used_at_home_and_with_one_meaning() -> None:
    strangers = {
        code: sorted(rooms)
        for code, rooms in codes().items()
        if not rooms <= SHARED.get(code, HOMES[code[2]]) or (len(rooms) > 1 and code not in SHARED)
    }
    assert not strangers


@cache
def stock() -> tuple[Registration, ...]:
    """Return where the stock tasks are."""
    found: list[Registration] = []
    for file in sorted(ROOT.glob("src/*/pyproject.toml")):
        project = tomllib.loads(file.read_text())["project"]
        for name, target in project.get("entry-points", {}).get(GROUP, {}).items():
            found.append(Registration(name=name, distribution=project["name"], target=target))
    return tuple(found)


@cache
def known() -> tuple[Catalog, WorkspaceFacts]:
    """Return the stock tasks and this workspace's channels."""
    found = [signature(one.load(), name=one.name, distribution=one.distribution) for one in stock()]
    return Catalog.of(found), facts_of(workspace.load(ROOT))


def problems_of(text: str, file: str) -> list[Problem]:
    """Return what is wrong with a spec of stock tasks."""
    catalog, facts = known()
    return check_text(text, file, with_verdicts(catalog, text, stock()), facts)[1]


REQUIREMENTS = "requirements:\n  - name: flowlock-core\n  - name: flowlock-ext-tabular\n"


def whole(example: str) -> str:
    """Make a spec of an example: a list is its workflow, and what else a spec needs is added."""
    if example.lstrip("# \n").startswith("-"):
        example = "workflow:\n" + "".join(f"  {line}\n" for line in example.splitlines())
    keys = set(re.findall(r"^([\w-]+):", example, re.MULTILINE))
    head = "" if "id" in keys else "id: example\n"
    head += "" if "requirements" in keys else REQUIREMENTS
    tail = "" if "workflow" in keys else "workflow: [{id: table, task: load_table}]\n"
    return head + example + tail


def examples(page: str) -> list[tuple[int, str]]:
    """Return the YAML blocks of a page that are specs or parts of them, with their lines."""
    text = (ROOT / page).read_text()
    found = [
        (text[: match.start()].count("\n") + 1, match[2])
        for match in FENCE.finditer(text)
        if match[1] == "yaml"
    ]
    return [(line, block) for line, block in found if is_spec(block)]


def is_spec(block: str) -> bool:
    first = re.search(r"^([\w-]+|-)", block, re.MULTILINE)
    return bool(first) and (first is not None and first[1] in {"-", *SPEC_KEYS})


@pytest.mark.parametrize("code", [code for code in sorted(sections()) if "```yaml" in sections()[code]])
def test_the_example_of_a_problem_has_that_problem(code: str) -> None:
    match = FENCE.search(sections()[code])
    assert match is not None
    problems = problems_of(whole(match[2]), "spec.yaml")
    expected = {code, *re.findall(r"# and (FL\d{3})", match[2])}
    # An example of an error may hold steps that nothing comes of.
    found = {one.code for one in problems if one.code == code or one.severity is Severity.ERROR}
    warned = {one.code for one in problems} & expected
    assert found | warned == expected, problems


@pytest.mark.parametrize(
    ("line", "example"), [pytest.param(*one, id=str(one[0])) for one in examples("docs/workflows.md")]
)
def test_the_examples_of_the_spec_language_have_no_problems(line: int, example: str) -> None:
    problems = problems_of(whole(example), f"docs/workflows.md:{line}")
    assert not [problem for problem in problems if problem.severity is Severity.ERROR]


def test_the_spec_language_has_an_example_of_every_key() -> None:
    text = "\n".join(example for _, example in examples("docs/workflows.md"))
    # `defaults` is another spelling of `task-instance-defaults`.
    keys = [key for key in SPEC_KEYS if key != "defaults"]
    missing = [key for key in keys if not re.search(rf"^{key}:", text, re.MULTILINE)]
    assert not missing


def test_the_layout_of_the_documentation_fits_the_widgets_that_it_names() -> None:
    blocks = [
        match for match in FENCE.finditer((ROOT / "docs/workflows.md").read_text()) if match[1] == "json"
    ]
    assert len(blocks) == 1
    spec, _ = check_text(
        whole(
            "- {id: days_card, task: create_text_widget}\n"
            "- {id: chart, task: create_text_widget}\n"
            "- {id: page, task: gather_dashboard, partial: {widgets: ["
            '"${{ workflow.days_card.return }}", "${{ workflow.chart.return }}"]}}\n'
        ),
        "spec.yaml",
        *known(),
    )
    assert spec is not None
    places, problems = parse_layout(blocks[0][2], "layout.json", spec)
    assert not problems
    assert [(one.name, one.widget) for one in places] == [("days_card", 0), ("chart", 1)]


def test_the_test_cases_of_the_documentation_are_some() -> None:
    blocks = [match[2] for match in FENCE.finditer((ROOT / "docs/workflows.md").read_text())]
    cases = [yaml.safe_load(block) for block in blocks if "mock-io:" in block]
    assert cases
    fields = {key for case in cases for one in case.values() for key in one}
    assert fields == {info.alias or name for name, info in Case.model_fields.items()}
    for case in cases:
        for one in case.values():
            Case.model_validate(one)


def links(text: str) -> list[str]:
    return re.findall(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)", FENCE.sub("", text))


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name: str) -> None:
    page = ROOT / name
    lost = []
    for link in links(page.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            lost.append(link)
    assert not lost


STOCK = "## The stock tasks\n"
OWNER = attrgetter("distribution")


def stock_tasks() -> str:
    """Return the tables of the stock tasks: by distribution, then by module, with the modules' own words."""
    found = [one for ones in known()[0].tasks.values() for one in ones]
    parts = []
    for distribution, own in groupby(sorted(found, key=attrgetter("distribution", "module", "name")), OWNER):
        parts.append(f"### {distribution}\n")
        for module, tasks in groupby(own, attrgetter("module")):
            words = inspect.cleandoc(import_module(module).__doc__ or "").partition("\n")[0]
            rows = [f"| `{one.name}` | {one.description.replace('|', chr(92) + '|')} |\n" for one in tasks]
            parts.append(f"{words}\n\n| task | what it does |\n|---|---|\n{''.join(rows)}")
    return "\n".join(parts)


def test_the_tables_of_stock_tasks_are_those_of_the_packages(*, refresh_golden: bool) -> None:
    page = ROOT / "docs/tasks.md"
    head, _, rest = page.read_text().partition(STOCK)
    words = rest.partition("\n### ")[0]
    wanted = f"{head}{STOCK}{words}\n{stock_tasks()}"
    if refresh_golden:
        page.write_text(wanted)
    assert page.read_text() == wanted


def test_the_code_of_the_documentation_of_tasks_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = [
        match[2] for match in FENCE.finditer((ROOT / "docs/tasks.md").read_text()) if match[1] == "python"
    ]
    smoothing, notes, test = blocks
    package = tmp_path / "rivers_tasks"
    (package / "examples").mkdir(parents=True)
    (package / "examples/notes.txt").write_text("high water")
    for name, text in {"__init__": "", "smoothing": smoothing, "notes": notes}.items():
        (package / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    for module, name, wired in (("smoothing", "moving_average", ["df"]), ("notes", "load_notes", [])):
        task = getattr(import_module(f"rivers_tasks.{module}"), name)
        parameters = signature(task).parameters
        assert [one.name for one in parameters if one.wired] == wired
        assert all(one.description and one.title for one in parameters)
    done: dict[str, Any] = {}
    exec(test, done)  # noqa: S102 - our own documentation
    done["test_the_first_days_have_no_average"]()
    example = mock_of(task, "notes", {}, mock_io=True)
    assert example is not None
    assert load_mock(example, task, {}) == "high water"
    for name in [name for name in sys.modules if name.partition(".")[0] == "rivers_tasks"]:
        monkeypatch.delitem(sys.modules, name)
