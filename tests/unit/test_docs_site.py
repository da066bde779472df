"""The documentation site: what is generated is complete and true, and pages load nothing from elsewhere."""

import json
import re
import shutil
import subprocess
import time
import tomllib
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tools.docs.diagrams import flowchart_svg, read_flowchart
from tools.docs.staging import PAGES, configuration, stage

from command_lines import COMMAND
from flowlock.documents.settings import settings_schema
from flowlock.report.explanations import explanations
from flowlock.spec.key_descriptions import DESCRIPTIONS
from flowlock.spec.parse import parse
from pages import DOCS, FENCE
from pages import PAGES as WRITTEN
from pictures import assert_pictured, views
from servers.browser import chromium, visit
from servers.loopback import serving_folder
from servers.parts import folder_of
from shared import once, require_part

SECONDS = 60
CODE = re.compile(r"\bFL\d{3}\b")
SETTINGS = set(settings_schema()["properties"])


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages before zensical makes a site of them."""
    return once(tmp_path_factory, "docs-pages", stage)


@pytest.fixture(scope="module")
def texts(staged: Path) -> dict[str, str]:
    pages = staged / "pages"
    return {path.relative_to(pages).as_posix(): path.read_text() for path in sorted(pages.rglob("*.md"))}


@pytest.fixture(scope="module")
def site(staged: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    zensical = folder_of("docs") / "bin/zensical"
    require_part(found=zensical.exists(), part="zensical")

    def build(folder: Path) -> None:
        started = time.perf_counter()
        shutil.copytree(staged, folder, dirs_exist_ok=True)
        command = [str(zensical), "build", "--clean", "--strict"]
        done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert time.perf_counter() - started < SECONDS

    return once(tmp_path_factory, "docs-site", build) / "site"


def commands() -> Iterator[tuple[str, str, Any]]:
    """Yield the page, the words and the object of each command."""
    for name, command in COMMAND.commands.items():
        yield f"commands/{name}.md", f"flowlock {name}", command
        for sub, subcommand in getattr(command, "commands", {}).items():
            yield f"commands/{name}.md", f"flowlock {name} {sub}", subcommand


def test_every_command_and_option_is_on_the_page_of_its_command(texts: dict[str, str]) -> None:
    missing = []
    for page, words, command in commands():
        heading = re.escape(words)
        section = re.search(rf"^##? {heading}\n(.*?)(?=^## |\Z)", texts[page], re.MULTILINE | re.DOTALL)
        options = [option for option in command.params if option.param_type_name == "option"]
        for option in options:
            missing += [f"{words} {n}" for n in option.opts if section is None or f"`{n}`" not in section[1]]
        if section is None:
            missing.append(words)
    names = [option.opts for option in COMMAND.params if not option.hidden]
    missing += [name for opts in names for name in opts if f"`{name}`" not in texts["commands/index.md"]]
    assert not missing


def test_there_is_no_page_of_a_command_that_does_not_exist(texts: dict[str, str]) -> None:
    pages = {path for path in texts if path.startswith("commands/")}
    assert pages == {page for page, _, _ in commands()} | {"commands/index.md"}


def test_every_key_of_settings_and_specs_is_in_the_reference(texts: dict[str, str]) -> None:
    schema = settings_schema()
    keys = {key for table in schema["$defs"].values() for key in table["properties"]}
    assert not [key for key in keys if f"`{key}`" not in texts["flowlock-toml.md"]]
    assert not [key for key in SETTINGS if f"[{key}" not in texts["flowlock-toml.md"]]
    described = {key for keys in DESCRIPTIONS.values() for key in keys}
    assert not [key for key in described if f"| `{key}` |" not in texts["spec-keys.md"]]


def test_every_code_has_a_section_and_every_code_that_a_page_names_exists(texts: dict[str, str]) -> None:
    known = set(explanations())
    assert known == set(re.findall(r"^### (FL\d{3})$", texts["problems.md"], re.MULTILINE))
    named = {code for path in WRITTEN for code in CODE.findall(path.read_text())}
    assert len(named) > len(known) - 1
    # `FL1xx` stands for a family.
    assert named <= known


def toml_blocks() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the blocks of the documentation that are parts of a flowlock.toml."""
    for page in DOCS:
        text = page.read_text()
        blocks = [match[2] for match in FENCE.finditer(text)]
        blocks += [
            re.sub(r"^ {4}", "", block, flags=re.MULTILINE)
            for block in re.findall(r"(?:^ {4}.*\n|^\n)+", FENCE.sub("", text), re.MULTILINE)
        ]
        for block in blocks:
            if re.match(rf"\s*\[({'|'.join(SETTINGS)})[\].]", block):
                yield page.name, tomllib.loads(block)


def test_the_settings_that_pages_show_have_known_keys() -> None:
    schema, unknown, count = settings_schema(), [], 0
    for page, document in toml_blocks():
        for table, values in document.items():
            field = schema["properties"][table]
            each = field.get("additionalProperties", field)
            reference = each.get("$ref") if isinstance(each, dict) else None
            count += 1
            if reference is None:
                continue
            known = schema["$defs"][reference.removeprefix("#/$defs/")]["properties"]
            inner = values.values() if each is not field else [values]
            unknown += [(page, table, key) for one in inner for key in one if key not in known]
    assert count > 1
    assert not unknown


@cache
def specs() -> list[tuple[str, str]]:
    """Return the whole specs that pages show, but for those of problems."""
    blocks = [
        (page.name, match[2])
        for page in DOCS
        if page.name != "problems.md"
        for match in FENCE.finditer(page.read_text())
        if match[1] == "yaml"
    ]
    whole = re.compile(r"^id:.*^workflow:", re.MULTILINE | re.DOTALL)
    return [(page, block) for page, block in blocks if whole.search(block)]


def test_the_specs_that_pages_show_have_known_keys() -> None:
    assert len(specs()) > 1
    wrong = [(page, problem.message) for page, text in specs() for problem in parse(text, page)[1]]
    assert not wrong


def test_the_navigation_has_every_page_once(texts: dict[str, str]) -> None:
    def listed(entries: list[Any]) -> Iterator[str]:
        for entry in entries:
            if isinstance(entry, str):
                yield entry
            elif isinstance(target := next(iter(entry.values())), list):
                yield from listed(target)
            else:
                yield target

    navigation = tomllib.loads(configuration(list(texts)))["project"]["nav"]
    assert sorted(listed(navigation)) == sorted(texts), "docs/site.toml lists the pages"
    assert set(PAGES.values()) <= set(texts)


def test_a_flowchart_that_cannot_be_drawn_is_refused_and_others_have_all_their_boxes() -> None:
    chart = read_flowchart('flowchart LR\n  a["A & B"] -- makes --> b --> c\n  a --> c\n')
    assert chart.nodes == {"a": "A & B", "b": "b", "c": "c"}
    assert chart.edges == {("a", "b"): "makes", ("b", "c"): "", ("a", "c"): ""}
    drawn = flowchart_svg(chart)
    assert all(f">{label}</text>" in drawn for label in ("A &amp; B", "b", "c", "makes"))
    for wrong in ("sequenceDiagram\n  a->>b: x", "flowchart LR\n  a{x} --> b", "flowchart LR\n  a ==> b"):
        with pytest.raises(ValueError, match="not a"):
            read_flowchart(wrong)


class Loads(HTMLParser):
    """The addresses that a page loads by itself; links that people follow are not among them."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.mermaid = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember what the tag loads."""
        values = {name: value or "" for name, value in attrs}
        self.mermaid |= "mermaid" in values.get("class", "")
        followed = tag == "a" or (tag == "link" and values.get("rel") in {"next", "prev", "canonical"})
        if not followed:
            names = ("src", "href", "srcset", "data", "poster", "action")
            self.addresses += [values[name] for name in names if name in values]


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    foreign, pages = [], sorted(site.rglob("*.html"))
    for page in pages:
        loads = Loads()
        loads.feed(page.read_text())
        assert not loads.mermaid
        assert loads.addresses
        foreign += [(page.name, address) for address in loads.addresses if re.match(r"\w+:|//", address)]
    assert len(pages) > 40
    assert not [(page, address) for page, address in foreign if not address.startswith("data:")]
    for style in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)\s*[\"']?(?:\w+:)?//", style.read_text())


def test_the_search_knows_every_page(site: Path, texts: dict[str, str]) -> None:
    items = json.loads((site / "search.json").read_text())["items"]
    found = {item["location"].partition("#")[0] for item in items}
    assert {path.replace(".md", ".html") for path in texts} <= found


# The buttons that the theme puts on each block of code.
THEME = (".md-code__nav",)
VISITED = ("index", "commands/build", "examples/penguins", "flowlock-toml")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1400), ("dark", 390)])
def test_a_browser_asks_no_other_server_and_axe_finds_nothing_in_our_content(
    scheme: str, width: int, site: Path
) -> None:
    options = {"color_scheme": scheme, "viewport": {"width": width, "height": 1000}}
    with serving_folder(site) as address, chromium() as browser:
        for page in VISITED:
            with visit(browser, f"{address}/{page}.html", **options) as opened:
                opened.page.locator("h1").first.wait_for()
                assert opened.width() <= width
                assert opened.findings(within="article", but=THEME) == []


@views
def test_the_pictures_of_the_documentation_are_of_this_site(
    scheme: str,
    width: int,
    site: Path,
    *,
    refresh_golden: bool,
) -> None:
    options = {"color_scheme": scheme, "viewport": {"width": width, "height": 860}}
    with (
        serving_folder(site) as address,
        chromium() as browser,
        visit(browser, f"{address}/catalogue/index.html", **options) as opened,
    ):
        opened.page.locator("h1").first.wait_for()
        picture = opened.page.screenshot()
    assert_pictured(f"images/site-{scheme}-{width}.png", picture, refresh=refresh_golden)
