"""What arguments and options complete: the names that there are in the workspace of the command line."""

from collections.abc import Callable, Iterable
from pathlib import Path

import typer

from flowlock.names import TARGET_FORMS

Completer = Callable[[typer.Context, str], list[tuple[str, str]]]


def _starting(names: Iterable[tuple[str, str]], start: str) -> list[tuple[str, str]]:
    return [(name, about) for name, about in names if name.startswith(start)]


def _of_workspace(kind: str) -> Completer:
    """Return the completer of one kind of names, a method of WorkspaceNames."""

    def complete(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
        from flowlock.commands.known_names import WorkspaceNames

        folder = ctx.find_root().params.get("directory") or Path()
        return _starting(getattr(WorkspaceNames(Path(folder)), kind)(), incomplete)

    return complete


complete_workflows = _of_workspace("workflows")
complete_packages = _of_workspace("packages")
_complete_named_targets = _of_workspace("targets")
complete_environments = _of_workspace("environments")
complete_platforms = _of_workspace("platforms")
complete_tasks = _of_workspace("tasks")


def complete_packages_and_workflows(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Complete either."""
    return [*complete_packages(ctx, incomplete), *complete_workflows(ctx, incomplete)]


def complete_targets(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Complete the targets that have names, and the kinds of targets."""
    kinds = ((f"{kind}:", form) for kind, form in TARGET_FORMS.items())
    return [*_complete_named_targets(ctx, incomplete), *_starting(kinds, incomplete)]


def complete_codes(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Complete problem codes."""
    from flowlock.commands import known_names

    return _starting(known_names.codes(), incomplete)
