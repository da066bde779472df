"""The adapter of py-rattler-build: one recipe and one folder of sources to the engine's archives."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flowlock.errors import FlowlockError

DISTRIBUTION = "py-rattler-build"
OUT = "out"
# What a recipe says of a download, which is a file of this machine when the engine runs.
REMOTE = ("url", "sha256", "md5", "file_name")


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What the engine is asked for: a recipe document, staged sources, and where to work.

    `source` is a folder, or the archive of a vendored package: `fetched` says that it was downloaded already.
    """

    document: Mapping[str, Any]
    source: Path
    recipe_dir: Path
    work: Path
    build_string: str | None
    channels: Sequence[str]
    fetched: bool = False
    variant: Mapping[str, str] = field(default_factory=dict)


def run(order: Order, log: Callable[[str], None]) -> list[Path]:
    """Build and return the archives; the engine's failure is a FlowlockError with its cause."""
    from rattler_build import RattlerBuildError, Stage0Recipe, ToolConfiguration, VariantConfig

    text = json.dumps(_document(order))
    try:
        # JSON is YAML, and the recipe's folder holds no more than patches: the engine looks at all of it.
        chosen = VariantConfig({key: [value] for key, value in order.variant.items()})
        variants = Stage0Recipe.from_yaml(text, recipe_dir=order.recipe_dir).render(chosen)
        tools = ToolConfiguration(test_strategy="skip", compression_threads=1, keep_build=True)
        results = [
            variant.run_build(
                tool_config=tools,
                output_dir=order.work / OUT,
                channels=list(order.channels),
                progress_callback=_Log(log),
                no_build_id=True,
                no_include_recipe=True,
                # It is written again in its canonical form, so this one need not be small.
                package_format="conda:min",
            )
            for variant in variants
        ]
    except RattlerBuildError as error:
        raise FlowlockError(str(error), code="FL530") from error
    return [Path(path) for result in results for path in result.packages]


def environments(work: Path) -> list[Path]:
    """Return the environments that a build had, which the engine leaves behind."""
    return sorted(path.parent for path in work.glob(f"{OUT}/bld/*/*/conda-meta"))


def test(artifact: Path, channels: Sequence[str], log: Callable[[str], None]) -> None:
    """Run an artifact's own tests, each in an environment of its own; a FlowlockError says that one fails."""
    from rattler_build import Package, RattlerBuildError

    try:
        results = Package.from_file(artifact).run_tests(channel=list(channels), progress_callback=_Log(log))
    except RattlerBuildError as error:
        raise FlowlockError(str(error), code="FL561") from error
    failed = [str(result.test_index + 1) for result in results if not result.success]
    if failed:
        raise FlowlockError(f"number {', '.join(failed)}", code="FL561")


def _document(order: Order) -> dict[str, Any]:
    """Return the recipe with its sources where they are staged, and the name that its inputs give it."""
    document = dict(order.document)
    given = document.get("source") or ([{}] if order.fetched else [])
    sources = [given] if isinstance(given, Mapping) else list(given)
    staged = {"path": os.fspath(order.source)}
    document["source"] = [
        {**{key: source[key] for key in source if key not in REMOTE}, **staged}
        if "path" in source or order.fetched
        else source
        for source in sources
    ]
    if order.build_string is not None:
        document["build"] = {**document.get("build", {}), "string": order.build_string}
    return document


class _Log:
    """The engine's progress, as lines of a log."""

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log

    def on_download_start(self, event: Any) -> None:
        """Log which package is fetched."""
        self._log(f"downloading {event.url}")

    def on_download_progress(self, event: Any) -> None:
        """Log nothing: a log is no progress bar."""

    def on_download_complete(self, event: Any) -> None:
        """Log nothing: the start was logged."""

    def on_build_step(self, event: Any) -> None:
        """Log the stage of the build."""
        self._log(f"{event.step_name}: {event.message}")

    def on_log(self, event: Any) -> None:
        """Log the engine's line."""
        self._log(event.message)
