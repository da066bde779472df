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
# The engine's own bugs are raised as this, which is not an Exception.
PANIC = "PanicException"
# It pads the path of a host environment to 255 characters, and needs some for itself.
LONG_PATH = 150
SECTIONS = ("build", "host")
SKIPPED = "skipped-here"
# What a recipe says of a download, which is a file of this machine when the engine runs.
REMOTE = ("url", "sha256", "md5", "file_name")


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineRequest:
    """One build by the engine: a recipe document, staged sources, and where to work.

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


def run(request: EngineRequest, log: Callable[[str], None]) -> list[Path]:
    """Build and return the archives; the engine's failure is a FlowlockError with its cause."""
    from rattler_build import RattlerBuildError, Stage0Recipe, ToolConfiguration, VariantConfig

    text = json.dumps(_document(request))
    try:
        # JSON is YAML, and the recipe's folder holds no more than patches: the engine reads all of it.
        variants = VariantConfig({key: [value] for key, value in request.variant.items()})
        rendered = Stage0Recipe.from_yaml(text, recipe_dir=request.recipe_dir).render(variants)
        tools = ToolConfiguration(test_strategy="skip", compression_threads=1, keep_build=True)
        results = [
            variant.run_build(
                tool_config=tools,
                output_dir=request.work / OUT,
                channels=list(request.channels),
                progress_callback=_Log(log),
                no_build_id=True,
                no_include_recipe=True,
                # It is written again in its canonical form, so this one need not be small.
                package_format="conda:min",
            )
            for variant in rendered
        ]
    except RattlerBuildError as error:
        raise FlowlockError(_message(error), code="FL530") from error
    except BaseException as error:
        if type(error).__name__ != PANIC:
            raise
        raise FlowlockError(
            f"the build engine failed: {error}", code="FL530", hint=_likely_cause(request.work)
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
        variants = VariantConfig({key: [value] for key, value in variant.items()})
        rendered = recipe.render(variants, RenderConfig(platform=here))
    except RattlerBuildError as error:
        raise FlowlockError(_message(error), code="FL530") from error
    specs: dict[str, list[str]] = {section: [] for section in SECTIONS}
    for variant_recipe in rendered:
        for section in SECTIONS:
            listed = getattr(variant_recipe.recipe.requirements, section)
            specs[section] += [_at_variant(spec, variant) for spec in listed if isinstance(spec, str)]
    return {} if SKIPPED in specs["build"] else specs


def _likely_cause(work: Path) -> str | None:
    """Return the most likely cause of a panic of the engine."""
    length = len(os.fsencode(work))
    too_long = f"the path {work} has {length} bytes: move the workspace to a shorter path"
    return too_long if length > LONG_PATH else None


def _message(error: Exception) -> str:
    """Return an error's message; the engine shows some errors as a record with the message inside."""
    text = str(error)
    shown = _MESSAGE.search(text)
    if shown is None:
        return text
    return shown[1].replace("\\n", "\n").replace('\\"', '"').partition(" (in <string>")[0]


def _telling_of_skips(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the recipe with a requirement that replaces `skip`, which rendering does not evaluate."""
    requirements = document.get("requirements") or {}
    conditions = _as_list((document.get("build") or {}).get("skip"))
    skips = [
        {"if": condition if isinstance(condition, str) else json.dumps(condition), "then": SKIPPED}
        for condition in conditions
    ]
    build = [*_as_list(requirements.get("build")), *skips]
    return {**document, "requirements": {**requirements, "build": build}}


def _as_list(value: Any) -> list[Any]:
    """Return a recipe's value as the list that it may be: a single item may stand without one."""
    return [value] if isinstance(value, str | Mapping | bool) else list(value or ())


def _at_variant(spec: str, variant: Mapping[str, str]) -> str:
    value = variant.get(spec.strip().replace("-", "_"))
    return spec if value is None else f"{spec} {value}"


def test(artifact: Path, channels: Sequence[str], log: Callable[[str], None]) -> None:
    """Run an artifact's own tests, each in a separate environment; a FlowlockError if one fails."""
    from rattler_build import Package, RattlerBuildError

    try:
        results = Package.from_file(artifact).run_tests(channel=list(channels), progress_callback=_Log(log))
    except RattlerBuildError as error:
        raise FlowlockError(_message(error), code="FL561") from error
    failed = [str(result.test_index + 1) for result in results if not result.success]
    if failed:
        raise FlowlockError(f"number {', '.join(failed)}", code="FL561")


def _document(request: EngineRequest) -> dict[str, Any]:
    """Return the recipe with its sources where they are staged, and the name that its inputs give it."""
    document = dict(request.document)
    sources: list[Mapping[str, Any]] = []
    for entry in _sources(request):
        if "path" in entry or request.fetched:
            local = {key: value for key, value in entry.items() if key not in REMOTE}
            sources.append({**local, "path": os.fspath(request.source)})
        else:
            sources.append(entry)
    document["source"] = sources
    if request.build_string is not None:
        document["build"] = {**document.get("build", {}), "string": request.build_string}
    return document


def _sources(request: EngineRequest) -> list[Mapping[str, Any]]:
    """Return the entries of `source`; what was fetched for a recipe without any is an entry by itself."""
    source = request.document.get("source")
    if not source and request.fetched:
        return [{}]
    if not source:
        return []
    return [source] if isinstance(source, Mapping) else list(source)


class _Log:
    """The engine's progress, as lines of a log."""

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log

    def on_download_start(self, event: Any) -> None:
        """Log which package is fetched."""
        self._log(f"downloading {event.url}")

    def on_download_progress(self, event: Any) -> None:
        """Log nothing: a log is not a progress bar."""

    def on_download_complete(self, event: Any) -> None:
        """Log nothing: the start was logged."""

    def on_build_step(self, event: Any) -> None:
        """Log the stage of the build."""
        self._log(f"{event.step_name}: {event.message}")

    def on_log(self, event: Any) -> None:
        """Log the engine's line."""
        self._log(event.message)
