"""The architecture, held: layers, adapters, cycles, sizes."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from folders import as_text, first_folder, folder_graph, longest_path
from plain_code import complexity, dense_expressions

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "src").glob("*/*/**/*.py"))
MODULE_LINES, FUNCTION_LINES, COMPLEXITY = 400, 50, 10
LOOSE = {"__init__", "__main__", "errors", "names", "workspace"}
LOOSE_IN_CORE, LONGEST_PATH, FOLDERS_OF_A_MODULE = 10, 11, 5
# What every folder may use, and what only the command line may: neither says how the stages hang together.
ANYWHERE, AT_THE_TOP = {"flowlock", "errors", "names", "workspace"}, {"__main__", "cli", "commands"}
STAGES = {"base", "builder", "channel", "compile", "deploy", "image", "lock"}
STAGES |= {"lifecycle", "preview", "recipe", "release", "running", "scaffold", "spec", "tasks"}
# The arrows of the design: a folder imports from those to the right of its own, and stages from stages.
ORDER = (
    {"__main__"},
    {"cli"},
    {"commands"},
    STAGES,
    {"workspace"},
    {"documents", "conda", "report"},
    {"edges"},
    {"errors", "names", "flowlock"},
)

# Which of our distributions each may import: the run time, which imports none.
REQUIRED = {path.name: {"flowlock_core"} for path in (ROOT / "src").glob("*/flowlock*") if path.is_dir()}
REQUIRED["flowlock_core"] = set()

# Who may import what is heavy, dangerous or replaceable: one adapter each (or each of its uses, for rattler).
CLI_ROOMS = {"command_help", "completers", "completion", "options"}
CLI_ROOMS |= {"authoring", "building", "deploying", "imaging", "locating", "releasing", "running"}
ADAPTERS = {
    "subprocess": {"flowlock.edges.process"},
    "requests": {"flowlock.edges.http"},
    "typer": {"flowlock.cli", *(f"flowlock.cli.{room}" for room in CLI_ROOMS)},
    "rattler_build": {"flowlock.builder.worker.engine", "flowlock.builder.worker.__main__"},
    "rattler": {
        "flowlock.channel.store",
        "flowlock.running.environment",
        "flowlock.lock.lockfile.engine",  # reads locks back, and those of versions 4 to 6
        "flowlock.conda.match",  # a check must read match specs as the solve did
        "flowlock.lock.solver.metadata",  # opens channels for all solves of a run
        "flowlock.lock.solver.solve",
    },
    "watchfiles": {"flowlock.preview.watching"},
    "uv": {"flowlock.base.wheels"},  # to find its binary, which resolves
}
# Rules: no I/O engines, and none of the modules that have them.
PURE = (
    "flowlock.spec",
    "flowlock.compile",
    "flowlock.documents",
    "flowlock.names",
    "flowlock.errors",
    "flowlock.recipe",
    "flowlock.base.convert",
    "flowlock.base.universe",
    "flowlock.conda.conditions",
    "flowlock.lock.lockfile.diff",
    "flowlock.lock.lockfile.export",
    "flowlock.lock.lockfile.platform_names",
    "flowlock.lock.manifest.features",
    "flowlock.lock.manifest.model",
    "flowlock.lock.manifest.pixi",
    "flowlock.lock.solve_plan",
    "flowlock.conda.records",
    "flowlock.lock.satisfy",
    "flowlock.lock.manifest.specs",
    "flowlock.conda.virtual",
    "flowlock.lock.lockfile.yaml",
)
EFFECTS = {
    "subprocess",
    "requests",
    "typer",
    "rattler",
    "rattler_build",
    "flowlock.edges.process",
    "flowlock.edges.http",
}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT / "src").parts[1:]
    return ".".join(parts).removesuffix(".py").removesuffix(".__init__")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def imports(path: Path, *, lazy: bool) -> tuple[str, ...]:
    return tuple(imported_names(path, lazy=lazy))


def imported_names(path: Path, *, lazy: bool) -> Iterator[str]:
    """Yield what a module imports, with `lazy` also inside functions; never what only types need."""
    pending: list[ast.AST] = [tree_of(path)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not lazy:
            continue
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{name.name}" for name in node.names)
        pending.extend(ast.iter_child_nodes(node))


def test_no_module_is_longer_than_400_lines() -> None:
    modules = [*SOURCES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "bench").rglob("*.py")]
    long = {
        str(path.relative_to(ROOT)): lines
        for path in modules
        if (lines := len(path.read_text().splitlines())) > MODULE_LINES
    }
    assert not long


def test_no_function_is_longer_than_50_lines() -> None:
    long = {
        f"{module_name(path)}.{node.name}": node.end_lineno - node.lineno + 1
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > FUNCTION_LINES
    }
    assert not long


def test_no_function_has_more_than_ten_branches() -> None:
    branchy = {
        f"{module_name(path)}.{node.name}": complexity(node)
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and complexity(node) > COMPLEXITY
    }
    assert not branchy


def test_conditions_and_comprehensions_are_not_nested() -> None:
    dense = [
        f"{path.relative_to(ROOT)}:{line}: {what}"
        for path in SOURCES
        for line, what in dense_expressions(tree_of(path))
    ]
    assert not dense


def test_a_distribution_imports_no_other_of_ours_but_those_that_it_requires() -> None:
    wrong = []
    for path in SOURCES:
        own = module_name(path).split(".")[0]
        for name in imports(path, lazy=True):
            other = name.split(".")[0]
            if other in REQUIRED and other not in {own, *REQUIRED[own]}:
                wrong.append((module_name(path), name))
    assert not wrong


@pytest.mark.parametrize("engine", ADAPTERS)
def test_an_engine_is_imported_by_its_adapters_only(engine: str) -> None:
    users = {
        module_name(path)
        for path in SOURCES
        if any(name.split(".")[0] == engine for name in imports(path, lazy=True))
        and module_name(path).startswith("flowlock.")
    }
    assert users <= ADAPTERS[engine]


def test_rules_are_pure() -> None:
    wrong = {
        (module_name(path), name)
        for path in SOURCES
        if module_name(path).startswith(PURE)
        for name in imports(path, lazy=True)
        if name in EFFECTS or name.split(".")[0] in EFFECTS - {"flowlock"}
    }
    assert not wrong


def test_print_is_called_nowhere() -> None:
    wrong = [
        f"{module_name(path)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not wrong


@cache
def module_graph(distribution: str = "") -> dict[str, set[str]]:
    """Return which of our modules each module imports."""
    known = {name: path for path in SOURCES if (name := module_name(path)).startswith(distribution)}
    return {
        name: {target for target in imports(path, lazy=True) if target in known and target != name}
        for name, path in known.items()
    }


def modules_of_toolchain() -> dict[str, set[str]]:
    graph = module_graph("flowlock")
    toolchain = {name for name in graph if name.split(".")[0] == "flowlock"}
    return {name: graph[name] & toolchain for name in toolchain}


def test_imports_have_no_cycle() -> None:
    try:
        TopologicalSorter(module_graph()).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_folders_have_no_circle_and_their_longest_path_is_short() -> None:
    graph = folder_graph(modules_of_toolchain(), first_folder)
    try:
        print(as_text(graph))  # noqa: T201 - `pytest -s` shows the graph
        path = longest_path(graph)
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))
    assert len(path) <= LONGEST_PATH, " → ".join(path)


@pytest.mark.parametrize("distribution", REQUIRED)
def test_folders_at_any_depth_have_no_circle(distribution: str) -> None:
    packages = {module_name(path) for path in SOURCES if path.name == "__init__.py"}

    def folder_of(module: str) -> str:
        folder = module if module in packages else module.rpartition(".")[0]
        # A loose module is a folder of its own: what lies beside it has nothing to do with it.
        return module if folder == distribution else folder

    modules = {
        name: {target for target in imported if target.split(".")[0] == distribution}
        for name, imported in module_graph(distribution).items()
        if name.split(".")[0] == distribution
    }
    try:
        TopologicalSorter(folder_graph(modules, folder_of)).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_arrows_between_folders_run_one_way() -> None:
    rank = {folder: number for number, folders in enumerate(ORDER) for folder in folders}
    graph = folder_graph(modules_of_toolchain(), first_folder)
    assert set(graph) == set(rank)
    upward = {
        (folder, needed)
        for folder, needs in graph.items()
        for needed in needs
        if rank[needed] < rank[folder] or (rank[needed] == rank[folder] and folder not in STAGES)
    }
    assert not upward


def test_below_the_commands_no_module_imports_from_more_than_five_folders() -> None:
    wide = {}
    for module, imported in modules_of_toolchain().items():
        own = first_folder(module)
        folders = {first_folder(name) for name in imported} - ANYWHERE - {own}
        if own not in AT_THE_TOP and len(folders) > FOLDERS_OF_A_MODULE:
            wide[module] = sorted(folders)
    assert not wide


def test_few_modules_lie_loose() -> None:
    assert {path.stem for path in (ROOT / "src/flowlock/flowlock").glob("*.py")} == LOOSE
    core = {path.stem for path in (ROOT / "src/flowlock-core/flowlock_core").glob("*.py")} - {"__init__"}
    assert len(core) <= LOOSE_IN_CORE, "YAML and JSON: documents/, parameters: parameters/, tables: tables/"


def test_every_test_file_is_collected() -> None:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "collected", "tests"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    collected = {
        line.removeprefix("collected ") for line in done.stdout.splitlines() if line.startswith("collected ")
    }
    with_tests = {
        str(path)
        for path in (ROOT / "tests").rglob("*.py")
        if "specs" not in path.parts and holds_tests(path)
    }
    assert with_tests
    assert collected == with_tests, done.stderr


def holds_tests(path: Path) -> bool:
    functions = (node for node in tree_of(path).body if isinstance(node, ast.FunctionDef))
    return any(function.name.startswith("test_") for function in functions)


def test_unit_tests_lie_as_the_modules_that_they_test() -> None:
    roots = {
        "core": ROOT / "src/flowlock-core/flowlock_core",
        "dagster": ROOT / "src/flowlock-dagster/flowlock_dagster",
        "ext_privacy": ROOT / "src/flowlock-ext-privacy/flowlock_ext_privacy",
        "ext_ecoscope": ROOT / "src/flowlock-ext-ecoscope/flowlock_ext_ecoscope",
        "ext_tabular": ROOT / "src/flowlock-ext-tabular/flowlock_ext_tabular",
        "serve": ROOT / "src/flowlock-serve/flowlock_serve",
    }
    unit = ROOT / "tests/unit"
    elsewhere = []
    for path in sorted(unit.glob("*/**/")):
        first, *rest = path.relative_to(unit).parts
        source = roots[first] if first in roots else ROOT / "src/flowlock/flowlock" / first
        if path.name != "__pycache__" and not source.joinpath(*rest).is_dir():
            elsewhere.append(str(path.relative_to(ROOT)))
    assert not elsewhere


def test_a_class_name_means_one_thing_in_a_distribution() -> None:
    modules: dict[tuple[str, str], list[str]] = {}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                name = module_name(path)
                modules.setdefault((name.split(".")[0], node.name), []).append(name)
    shared = {key: names for key, names in modules.items() if len(names) > 1}
    assert len(modules) > 100
    assert not shared


def test_every_module_says_what_it_is_for() -> None:
    silent = [module_name(p) for p in SOURCES if not ast.get_docstring(tree_of(p))]
    assert not silent


def test_the_oldest_python_is_the_one_we_promise() -> None:
    assert sys.version_info >= (3, 11)


def test_every_path_below_the_state_folder_comes_from_one_class() -> None:
    joined = re.compile(r"workspace\.state / |\.flowlock[/\"]|/ \"cache\"")
    joins = {
        module_name(path)
        for path in SOURCES
        for line in path.read_text().splitlines()
        if joined.search(line) and not line.lstrip().startswith(("#", '"""')) and "help=" not in line
    }
    # A channel that is made for one build or test has a cache of its own beside it.
    own_cache = {"flowlock.builder.build_session", "flowlock.builder.package_tests.channels"}
    assert joins <= {"flowlock.edges.state_folder", *own_cache}


def test_json_is_hashed_by_one_function() -> None:
    hashing = re.compile(r"sha256\(\s*json\.dumps")
    assert not [module_name(path) for path in SOURCES if hashing.search(path.read_text())]


def test_what_a_channel_knows_a_build_by_is_in_one_class() -> None:
    carriers = {
        f"{module_name(path)}.{node.name}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and {"name", "version", "build"} <= _fields(node)
    }
    records = {"flowlock.conda.records.Record", "flowlock.conda.records._PackageIdentity"}
    # How documents of others are read.
    forms = {
        "flowlock.channel.store._IndexRecord",
        "flowlock.lock.solver.sources._PackageEntry",
        "flowlock.release.targets.client._IndexEntry",
    }
    assert carriers - records - forms == {"flowlock.conda.artifact.Artifact"}


def _fields(node: ast.ClassDef) -> set[str]:
    return {
        field.target.id
        for field in node.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
    }
