"""The adapter of py-rattler-build: one recipe and one folder of sources to the engine's archives."""

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flowlock.builder.worker.layout import OUT
from flowlock.errors import FlowlockError

DISTRIBUTION = "py-rattler-build"
_MESSAGE = re.compile(r'message: "((?:[^"\\]|\\.)*)"')
# What the engine's own bugs are raised as, which is no Exception.
PANIC = "PanicException"
# It pads the path of a host environment to 255 characters, and needs some for itself.
LONG_PATH = 150
SECTIONS = ("build", "host")
SKIPPED = "skipped-here"
# What a recipe says of a download, which is a file of this machine when the engine runs.
REMOTE = ("url", "sha256", "md5", "file_name")


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineRequest:
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


def run(order: EngineRequest, log: Callable[[str], None]) -> list[Path]:
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
        raise FlowlockError(_told(error), code="FL530") from error
    except BaseException as error:
        if type(error).__name__ != PANIC:
            raise
        raise FlowlockError(
            f"the engine broke off: {error}", code="FL530", hint=_about(order.work)
        ) from error
    return [Path(path) for result in results for path in result.packages]


def requirements(
    document: Mapping[str, Any], variant: Mapping[str, str], platform: str
) -> dict[str, list[str]]:
    """Return the match specs that a recipe asks for on a platform, by section; none where it is skipped.

    A name without a version takes that of the variant, as it does in a build. Pins of other packages are left
    out: those are the workspace's own.
    """
    from rattler_build import PlatformConfig, RattlerBuildError, RenderConfig, Stage0Recipe, VariantConfig

    here = PlatformConfig(target_platform=platform, build_platform=platform, host_platform=platform)
    try:
        recipe = Stage0Recipe.from_yaml(json.dumps(_telling_of_skips(document)))
        chosen = VariantConfig({key: [value] for key, value in variant.items()})
        rendered = [one.recipe.requirements for one in recipe.render(chosen, RenderConfig(platform=here))]
    except RattlerBuildError as error:
        raise FlowlockError(_told(error), code="FL530") from error
    found = {
        section: [
            _at_variant(spec, variant)
            for one in rendered
            for spec in getattr(one, section)
            if isinstance(spec, str)
        ]
        for section in SECTIONS
    }
    return {} if SKIPPED in found["build"] else found


def _about(work: Path) -> str | None:
    """Return what most likely made the engine break off."""
    length = len(os.fsencode(work))
    too_long = f"the path {work} has {length} bytes: put the workspace where it has a shorter one"
    return too_long if length > LONG_PATH else None


def _told(error: Exception) -> str:
    """Return what the engine says; of some errors it shows its own record, with the message inside."""
    text = str(error)
    shown = _MESSAGE.search(text)
    if shown is None:
        return text
    return shown[1].replace("\\n", "\n").replace('\\"', '"').partition(" (in <string>")[0]


def _telling_of_skips(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the recipe with a requirement that stands in for `skip`, which rendering does not evaluate."""
    given = document.get("requirements") or {}
    build, skip = (
        [one] if isinstance(one, str | Mapping | bool) else list(one or ())
        for one in (given.get("build"), (document.get("build") or {}).get("skip"))
    )
    told = [
        {"if": condition if isinstance(condition, str) else json.dumps(condition), "then": SKIPPED}
        for condition in skip
    ]
    return {**document, "requirements": {**given, "build": [*build, *told]}}


def _at_variant(spec: str, variant: Mapping[str, str]) -> str:
    value = variant.get(spec.strip().replace("-", "_"))
    return spec if value is None else f"{spec} {value}"


def test(artifact: Path, channels: Sequence[str], log: Callable[[str], None]) -> None:
    """Run an artifact's own tests, each in an environment of its own; a FlowlockError says that one fails."""
    from rattler_build import Package, RattlerBuildError

    try:
        results = Package.from_file(artifact).run_tests(channel=list(channels), progress_callback=_Log(log))
    except RattlerBuildError as error:
        raise FlowlockError(_told(error), code="FL561") from error
    failed = [str(result.test_index + 1) for result in results if not result.success]
    if failed:
        raise FlowlockError(f"number {', '.join(failed)}", code="FL561")


def _document(order: EngineRequest) -> dict[str, Any]:
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
