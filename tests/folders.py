"""The graph of a distribution's folders: which folder imports which, made from what its modules import."""

from collections.abc import Callable, Mapping
from graphlib import TopologicalSorter

Graph = Mapping[str, set[str]]


def folder_graph(modules: Graph, folder_of: Callable[[str], str]) -> dict[str, set[str]]:
    """Return which folders each folder imports from."""
    graph: dict[str, set[str]] = {folder_of(module): set() for module in modules}
    for module, imported in modules.items():
        folder = folder_of(module)
        graph[folder].update(folder_of(name) for name in imported)
    for folder, needed in graph.items():
        needed.discard(folder)
    return graph


def first_folder(module: str) -> str:
    """Return a module's folder below its distribution, or the module itself if it lies loose."""
    return module.split(".")[1] if "." in module else module


def longest_path(graph: Graph) -> list[str]:
    """Return the longest chain of folders that import each other; a circle is a CycleError."""
    paths: dict[str, list[str]] = {}
    for folder in TopologicalSorter(graph).static_order():
        below = [paths[needed] for needed in sorted(graph.get(folder, ()))]
        longest = max(below, key=len, default=list[str]())
        paths[folder] = [folder, *longest]
    return max(paths.values(), key=len)


def as_text(graph: Graph) -> str:
    """Return a line a folder: what it imports from."""
    lines = [f"{folder:>10} → {', '.join(sorted(graph[folder])) or 'nothing'}" for folder in sorted(graph)]
    path = longest_path(graph)
    return "\n".join([*lines, f"longest path ({len(path)}): {' → '.join(path)}"])
