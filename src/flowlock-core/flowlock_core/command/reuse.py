"""What `run` reuses and runs again: --resume, --only, --from, --cache."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

from flowlock_core.errors import UsageError, nearest
from flowlock_core.execute import Options, Plan, Ref
from flowlock_core.store.cache import CacheOptions, RunCache


@dataclass(frozen=True, kw_only=True, slots=True)
class Reuse:
    """Where results are kept, and which of them count; `only`, `show` and `start` name steps.

    A run ends with the step of `only`, which runs again, or of `show`, whose kept result counts too.
    """

    folder: Path
    workflow: str
    resume: bool = False
    only: str | None = None
    show: str | None = None
    start: str | None = None

    def plan(self, plan: Plan) -> Plan:
        """Return the part of a plan that is to run; a UsageError names a step that does not exist."""
        for option, step in (("--only", self.only), ("--show", self.show), ("--from", self.start)):
            if step is not None:
                _require_step(plan, step, option)
        last = self.only or self.show
        if last is None:
            return plan
        needed = {last, *_before(plan, last)}
        steps = tuple(step for step in plan.steps if step.id in needed)
        return replace(plan, steps=steps, result=Ref(last))

    def cache(self, plan: Plan, options: Options) -> RunCache:
        """Return the cache of a run of a plan."""
        fresh = {}
        if self.only is not None:
            fresh[self.only] = f"--only {self.only} was given"
        if self.start is not None:
            after = [step.id for step in plan.steps if self.start in _before(plan, step.id)]
            fresh |= dict.fromkeys((self.start, *after), f"--from {self.start} was given")
        reuse = self.resume or self.only is not None or self.start is not None
        settings = CacheOptions(folder=self.folder, reuse=reuse, fresh=fresh)
        return RunCache(settings, workflow=self.workflow, results=options.results)


def warn_about_cache(cache: RunCache) -> None:
    """Warn on stderr about problems with the cache."""
    for label in dict.fromkeys(cache.damaged):
        sys.stderr.write(f"warning: {label} was computed again, because its cached result was damaged\n")
    if cache.trouble is not None:
        sys.stderr.write(f"warning: results are not cached: {cache.trouble}\n")


def _require_step(plan: Plan, step: str, option: str) -> None:
    steps = [planned.id for planned in plan.steps]
    if step not in steps:
        hint = nearest(step, steps) or f"the steps are {', '.join(steps)}"
        raise UsageError(f"{option} {step}: the workflow does not have this step", code="FL739", hint=hint)


def _before(plan: Plan, step: str) -> set[str]:
    """Return the steps whose results a step needs, directly or through others."""
    dependencies: set[str] = set()
    pending = list(plan.step(step).dependencies())
    while pending:
        dependency = pending.pop()
        if dependency not in dependencies:
            dependencies.add(dependency)
            pending += plan.step(dependency).dependencies()
    return dependencies
