"""`flowlock preview NAME`: the author's loop. An edit is compiled, computed and shown by itself."""

import tempfile
import time
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from pydantic import BaseModel

from flowlock.commands.compile import read_specs
from flowlock.commands.locked_environment import install
from flowlock.commands.previewed_package import KEPT, PreviewedPackage
from flowlock.commands.run import DASHBOARD, chosen_params
from flowlock.commands.session import Session
from flowlock.edges import files, shapes
from flowlock.edges.process import Completed
from flowlock.errors import ExitCode, FlowlockError, nearest_or_all
from flowlock.preview.computations import Computation, Computations, computations
from flowlock.preview.server import Preview, serving
from flowlock.preview.watching import Watched, watching
from flowlock.report.reporter import emit, failure_text
from flowlock.running import workflow_command as reported
from flowlock.running.environment import Environment
from flowlock.spec.layout import FILE as LAYOUT
from flowlock.workspace import Workflow

RESULT = "result.json"
# Seconds in which a browser has the processors to draw a new dashboard.
DRAWING = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class PreviewOptions:
    """What is previewed: with these parameters, a single step if one is named, on a port."""

    params: Path | None = None
    step: str | None = None
    port: int = 0
    show: bool = True
    json: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class StartedPreview:
    """A preview that has begun, and its address."""

    workflow: str
    url: str

    @property
    def ok(self) -> bool:
        """It has begun."""
        return True

    def as_json(self) -> Mapping[str, Any]:
        """Return {"workflow", "url"}."""
        return {"workflow": self.workflow, "url": self.url}

    def as_text(self) -> str:
        """Return the address."""
        return self.url


def preview(session: Session, name: str, options: PreviewOptions) -> ExitCode:
    """Show a workflow's dashboard in the browser, and again after each edit, until interrupted.

    It runs in the environment that the lock pins, with the workspace's sources before those that are
    installed. Nothing of the workspace is written but its state.
    """
    workflow = session.workspace.workflow(name)
    params = chosen_params(session, workflow, options.params)
    if options.step is not None:
        _require_step(session, workflow, options.step)
    with install(session, workflow, "default", frozen=True) as environment:
        shown = Preview(f"{workflow.name}: {options.step}" if options.step else workflow.name)
        with serving(shown, port=options.port) as url:
            emit(StartedPreview(workflow=workflow.name, url=url), as_json=options.json)
            if options.show and not webbrowser.open(url):
                session.progress.note("no browser is available to show the preview: open the address above")
            loop = _loop(session, workflow, environment, shown, params=params, step=options.step)
            try:
                with loop as started:
                    started.run()
            except KeyboardInterrupt:
                session.progress.note("the preview has ended")
    return ExitCode.INTERRUPTED


def _require_step(session: Session, workflow: Workflow, step: str) -> None:
    """Raise unless the spec has the step; what else is wrong with the spec is shown later."""
    spec = read_specs(session.workspace, [workflow])[0].spec
    if spec is None:
        return
    steps = [one.id.value for one in spec.steps if one.id]
    if step not in steps:
        raise FlowlockError(
            f"the workflow {workflow.name} has no step `{step}`",
            code="FL717",
            hint=nearest_or_all(step, steps),
        )


class _ResultDocument(BaseModel):
    """What is read of result.json."""

    inputs: list[str] = []


@dataclass(frozen=True, slots=True)
class _Ended:
    number: int
    done: Completed


@dataclass(kw_only=True)
class _Loop:
    """The edits and the ends of computations, in their order; `computing` is the computation that counts."""

    session: Session
    workflow: Workflow
    shown: Preview
    computations: Computations
    watched: Watched
    events: "Queue[frozenset[Path] | _Ended]"
    package: PreviewedPackage
    results: Path
    params: Path | None
    step: str | None
    computation: Computation | None = None
    computing: int | None = None
    edited_sources: bool = True
    since: float = 0.0
    # Whether the browser may still draw the last dashboard, and what can wait has not been done.
    drawing: bool = False

    def run(self) -> None:
        """Answer events until interrupted."""
        self.edit(frozenset([self.workflow.spec]))
        while True:
            try:
                event = self.events.get(timeout=DRAWING if self.drawing else None)
            except Empty:
                self.after_drawing()
                continue
            if isinstance(event, frozenset):
                self.edit(event)
            elif event.number == self.computing:
                self.computed(event.done)

    def after_drawing(self) -> None:
        """Show what the spec's literals are refused for, and prepare the next computation."""
        self.drawing = False
        try:
            self.check_literals()
        except FlowlockError as error:
            self.failed(error)
        self.computations.prepare()

    def edit(self, changes: frozenset[Path]) -> None:
        """Begin to compute the new state of the files, instead of what is being computed."""
        self.since = time.perf_counter()
        self.drawing = False
        self.computing = None
        self.computations.stop()
        self.shown.show(state="running")
        folders = [package.folder for package in self.session.workspace.packages]
        if any(path.is_relative_to(folder) for path in changes for folder in folders):
            self.edited_sources, self.computation = True, None
            self.package.forget_tasks()
        if changes & {self.workflow.spec, self.workflow.folder / LAYOUT}:
            self.computation = None
        try:
            self.computation = self.computation or self.package.compiled(self.arguments())
            self.computing = self.computations.start(self.computation, edited=self.edited_sources)
            self.edited_sources = False
        except FlowlockError as error:
            self.failed(error)

    def check_literals(self) -> None:
        """Raise the problems that the spec has with its literals, unless an edit is waiting."""
        if self.events.empty():
            self.package.check_literals()

    def arguments(self) -> list[str]:
        """Return the arguments of the workflow's command."""
        arguments = ["--json", "run", "--resume", "--no-history", "--quiet", "--results", str(self.results)]
        if self.params is not None:
            arguments += ["--params", str(self.params)]
        if self.step is not None:
            arguments += ["--show", self.step]
        return arguments

    def computed(self, done: Completed) -> None:
        """Show what a computation gave; what can wait is done when that is drawn."""
        self.computing = None
        try:
            self._show(done)
        except FlowlockError as error:
            self.failed(error)
            self.computations.prepare()

    def _show(self, done: Completed) -> None:
        if done.returncode != ExitCode.DONE:
            # A literal that a task refuses has a line in the spec, which the run does not know.
            self.check_literals()
            raise reported.failure(self.session.workspace, self.workflow, done, kept=KEPT)
        document = files.read_bytes(self.results / RESULT)
        inputs = (shapes.parsed_or_none(_ResultDocument, document) or _ResultDocument()).inputs
        self.watched.watch_files([Path(path) for path in inputs])
        dashboard = self.results / DASHBOARD
        if not dashboard.is_file():
            raise FlowlockError(
                f"{self.workflow.name} makes no dashboard",
                code="FL718",
                hint="end it with gather_dashboard, or show one of its steps: --step ID",
            )
        seconds = time.perf_counter() - self.since
        self.shown.show(state="ready", seconds=seconds, html=files.read_bytes(dashboard))
        self.session.progress.note(f"shown after {seconds:.2f} s")
        self.drawing = True

    def failed(self, error: FlowlockError) -> None:
        """Show why an edit gave nothing, in the terminal and on the page."""
        text = failure_text(error)
        self.shown.show(state="failed", text=text, seconds=time.perf_counter() - self.since)
        self.session.progress.note(text)


@contextmanager
def _loop(
    session: Session,
    workflow: Workflow,
    environment: Environment,
    shown: Preview,
    *,
    params: Path | None,
    step: str | None,
) -> Iterator[_Loop]:
    """Yield a loop whose files are watched and whose computations end with the block."""
    events: Queue[frozenset[Path] | _Ended] = Queue()
    packages = [package.folder for package in session.workspace.packages]
    with (
        # In the temporary folder of this command: another preview of the same workflow has another one.
        tempfile.TemporaryDirectory(prefix="preview-") as temporary,
        computations(
            environment,
            Path(temporary, "running"),
            ended=lambda number, done: events.put(_Ended(number, done)),
        ) as started,
        watching([workflow.folder, *packages], passed_over=[workflow.package], changed=events.put) as watched,
    ):
        if params is not None:
            watched.watch_files([params])
        yield _Loop(
            session=session,
            workflow=workflow,
            shown=shown,
            computations=started,
            watched=watched,
            events=events,
            package=PreviewedPackage(session=session, workflow=workflow, folder=Path(temporary, "package")),
            results=Path(temporary, "results"),
            params=params,
            step=step,
        )
