"""The architecture, held: layers, adapters, cycles, sizes."""

import ast
import re
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "src").glob("*/*/**/*.py"))
MODULE_LINES, FUNCTION_LINES = 400, 50

# Who may import what is heavy, dangerous or replaceable: one adapter each (or each of its uses, for rattler).
CLI_ROOMS = ("options", "authoring", "building", "releasing", "running")
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
    "flowlock.lock.plan",
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


def imports(path: Path, *, lazy: bool) -> Iterator[str]:
    """Yield what a module imports, with `lazy` also inside functions; never what only types need."""
    pending: list[ast.AST] = [ast.parse(path.read_text())]
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
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > FUNCTION_LINES
    }
    assert not long


def test_the_run_time_never_imports_the_toolchain() -> None:
    wrong = {
        module_name(path): name
        for path in SOURCES
        if module_name(path).split(".")[0] != "flowlock"
        for name in imports(path, lazy=True)
        if name.split(".")[0] == "flowlock"
    }
    assert not wrong


def test_the_run_time_core_imports_no_task_package() -> None:
    wrong = {
        module_name(path): name
        for path in SOURCES
        if module_name(path).startswith("flowlock_core")
        for name in imports(path, lazy=True)
        if name.startswith("flowlock_ext")
    }
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
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not wrong


def test_imports_have_no_cycle() -> None:
    known = {module_name(path): path for path in SOURCES}
    graph = {
        name: {target for target in imports(path, lazy=True) if target in known and target != name}
        for name, path in known.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_every_module_says_what_it_is_for() -> None:
    silent = [module_name(p) for p in SOURCES if not ast.get_docstring(ast.parse(p.read_text()))]
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
    own_cache = {"flowlock.builder.yard", "flowlock.builder.package_tests.testing"}
    assert joins <= {"flowlock.edges.state_folder", *own_cache}
