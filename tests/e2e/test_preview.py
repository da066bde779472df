"""`flowlock preview`: an author edits, and the browser shows what comes of it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from checkout import Checkout, linked_copy
from servers.browser import Visit, chromium, visit

# Seconds in which an edit is shown on a machine that has more to do, and in which processes end.
SHOWN, END = 60, 20
SPEC, DATA = "examples/carbon/spec.yaml", "examples/carbon/mauna-loa.csv"
TASK = "src/flowlock-ext-tabular/flowlock_ext_tabular/cleaning.py"
PARAMS, TITLE = "examples/carbon/params.yaml", "Carbon dioxide on Mauna Loa"
# In the task that the step `measured` calls.
DROPPING = "    return df.dropna("


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A preview that runs: its process, its address, and the workspace that its author edits."""

    copy: Checkout
    process: subprocess.Popen[str]
    url: str
    log: Path

    def edit(self, file: str, old: str, new: str) -> None:
        """Save a file as editors do: written beside it, then renamed."""
        path = self.copy.root / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        beside = path.with_name(f"{path.name}.tmp")
        beside.write_text(text.replace(old, new), encoding="utf-8")
        beside.replace(path)

    @contextmanager
    def edited(self, file: str, old: str, new: str) -> Iterator[None]:
        """Edit a file for the block."""
        before = (self.copy.root / file).read_text(encoding="utf-8")
        self.edit(file, old, new)
        try:
            yield
        finally:
            (self.copy.root / file).write_text(before, encoding="utf-8")


@contextmanager
def previewing(copy: Checkout, *options: str) -> Iterator[Running]:
    """Preview carbon beside the block."""
    log = copy.root.parent / "preview.log"
    home = copy.root.parent / "home"
    home.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "flowlock", "--profile", "embedded", "preview", "carbon", "--no-open"]
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(
            [*command, *options],
            cwd=copy.root,
            env={**os.environ, "HOME": str(home), "FLOWLOCK_CACHE_DIR": str(home / "results")},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:"), log.read_text(encoding="utf-8")
            yield Running(copy=copy, process=process, url=url, log=log)
        finally:
            process.kill()


@contextmanager
def seen(browser: Any, running: Running, **options: Any) -> Iterator[Visit]:
    """Open the page of a preview, and wait for its first dashboard."""
    with visit(browser, running.url, **options) as opened:
        opened.page.set_default_timeout(SHOWN * 1000)
        opened.page.locator("html[data-state=ready]").wait_for()
        heading(opened).wait_for()
        yield opened


def heading(opened: Visit, text: str = "") -> Any:
    return opened.page.frame_locator("#dashboard").locator("h1", has_text=text)


def problems(opened: Visit) -> Any:
    return opened.page.locator("#text")


def processes_of(copy: Checkout) -> set[str]:
    """Return the processes of all previews of a workspace, which work below its temporary folder."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            working = (process / "cwd").readlink()
        except OSError:
            continue
        if working.is_relative_to(copy.state.temporary):
            found.add(process.name)
    return found


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def copy(synced: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    made = linked_copy(synced, tmp_path_factory.mktemp("preview") / "a cöpy")
    # The environment, which the first preview would wait for.
    done = made.flowlock("run", "carbon", "--frozen")
    assert done.code == 0, done.err
    return made


@pytest.fixture(scope="module")
def running(copy: Checkout) -> Iterator[Running]:
    with previewing(copy) as started:
        yield started


def test_an_edit_of_the_spec_is_shown_where_the_reader_was(running: Running, browser: Any) -> None:
    with seen(browser, running, viewport={"width": 1400, "height": 700}) as opened:
        page = opened.page
        frame = page.frame_locator("#dashboard")
        frame.locator("select").first.select_option(index=2)
        chosen = frame.locator("select").first.input_value()
        page.frames[1].evaluate("scrollTo(0, 300)")
        with running.edited(SPEC, "title: Weeks measured", "title: Weeks counted"):
            frame.get_by_role("heading", name="Weeks counted").wait_for()
            frame.locator(".main-svg").first.wait_for()
            page.wait_for_function("frames[0].scrollY === 300")
            assert frame.locator("select").first.input_value() == chosen
            assert re.fullmatch(r"Up to date, after \d+\.\d\d s", page.locator("#state").inner_text())
        frame.get_by_role("heading", name="Weeks measured").wait_for()
    # Nothing of the workspace is written.
    status = subprocess.run(
        ["git", "status", "--porcelain", "--", "examples/carbon"],
        cwd=running.copy.root,
        check=True,
        capture_output=True,
        text=True,
    )
    assert "workflow.py" not in status.stdout


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
def test_problems_are_shown_above_the_last_good_dashboard(
    running: Running, browser: Any, width: int, scheme: str
) -> None:
    options = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    with seen(browser, running, **options) as opened:
        assert opened.findings() == []
        with running.edited(SPEC, "task: count_rows", "task: count_row"):
            opened.page.locator("html[data-state=failed]").wait_for()
            text = problems(opened).inner_text()
            assert re.search(r"examples/carbon/spec.yaml:\d+:\d+: FL130 unknown task `count_row`", text)
            assert "did you mean `count_rows`?" in text
            assert "kept: the last good dashboard" in text
            heading(opened, TITLE).wait_for()
            assert opened.findings() == []
            assert opened.width() <= width
            assert "FL130 unknown task `count_row`" in running.log.read_text(encoding="utf-8")
        opened.page.locator("html[data-state=ready]").wait_for()
        problems(opened).wait_for(state="hidden")


def test_a_literal_that_a_task_refuses_has_its_line(running: Running, browser: Any) -> None:
    with seen(browser, running) as opened, running.edited(SPEC, "part: year", "part: yearly"):
        opened.page.get_by_text(re.compile(r"examples/carbon/spec.yaml:\d+:\d+: FL")).wait_for()


def test_an_edit_of_the_data_and_of_the_parameters_is_shown(running: Running, browser: Any) -> None:
    with seen(browser, running) as opened:
        card = opened.page.frame_locator("#dashboard").locator(".card", has_text="Weeks measured")
        before = card.locator(".value").inner_text()
        rows = (running.copy.root / DATA).read_text(encoding="utf-8").splitlines(keepends=True)
        with running.edited(DATA, rows[-1], ""):
            card.locator(".value", has_not_text=before).wait_for()
        card.locator(".value", has_text=before).wait_for()
        with running.edited(PARAMS, f"title: {TITLE}", "title: Air"):
            heading(opened, "Air").wait_for()
        with running.edited(PARAMS, "weekly:", "weekli:"):
            opened.page.get_by_text("params.yaml:").wait_for()


def test_a_task_that_raises_and_one_without_an_end_are_edited_again(running: Running, browser: Any) -> None:
    """The sources of the workspace come before what is installed, and an edit stops what runs."""
    with seen(browser, running) as opened:
        with running.edited(TASK, DROPPING, f'    raise ValueError("edited")\n{DROPPING}'):
            opened.page.get_by_text("edited").first.wait_for()
            assert "measured" in problems(opened).inner_text()
        opened.page.locator("html[data-state=ready]").wait_for()
        endless = f"    while True:\n        pass\n{DROPPING}"
        with running.edited(TASK, DROPPING, endless):
            opened.page.locator("html[data-state=running]").wait_for()
            time.sleep(3)
            assert opened.page.locator("html[data-state=running]").count() == 1
        opened.page.locator("html[data-state=ready]").wait_for()
        heading(opened, TITLE).wait_for()


def test_others_learn_nothing_from_the_port(running: Running) -> None:
    port = running.url.split(":")[2].partition("/")[0]
    address = f"http://127.0.0.1:{port}"
    assert requests.get(f"{address}/", timeout=5).status_code == 404
    assert requests.get(f"{address}/dashboard.html", timeout=5).status_code == 404
    named = requests.get(running.url, headers={"Host": "rebound.example.org"}, timeout=5)
    assert named.status_code == 404
    assert requests.get(running.url, timeout=5).status_code == 200


def test_a_port_that_is_taken_is_named(running: Running) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = running.copy.flowlock("preview", "carbon", "--no-open", "--port", str(port))
    assert done.code == 1
    assert f"another process is listening on 127.0.0.1:{port}" in done.err
    assert "`--port 0` selects a free port" in done.err


def test_mistakes_on_the_command_line_are_told_with_a_way_out(copy: Checkout) -> None:
    unknown = copy.flowlock("preview", "carbn", "--no-open")
    assert (unknown.code, "did you mean `carbon`?" in unknown.err) == (1, True)
    step = copy.flowlock("preview", "carbon", "--no-open", "--step", "measurd")
    assert (step.code, "did you mean `measured`?" in step.err) == (1, True)
    lock = copy.state.workflow_lock("wages")
    lock.unlink()
    unlocked = copy.flowlock("preview", "wages", "--no-open")
    assert unlocked.code == 1
    assert "wages has no lock" in unlocked.err
    assert "run `flowlock --profile embedded sync`" in unlocked.err


def test_one_step_is_shown_and_everything_ends_with_an_interrupt(copy: Checkout, browser: Any) -> None:
    others = processes_of(copy)
    with previewing(copy, "--step", "monthly") as running:
        with seen(browser, running) as opened:
            heading(opened, "Monthly").wait_for()
            table = opened.page.frame_locator("#dashboard").locator("table")
            assert "month" in table.locator("thead").inner_text().lower()
        assert processes_of(copy) > others
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(END) == 130
        assert "Traceback" not in running.log.read_text(encoding="utf-8")
        wait_until(lambda: processes_of(copy) == others, END)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_a_computation_ends_with_a_preview_that_is_killed(copy: Checkout) -> None:
    others = processes_of(copy)
    with previewing(copy, "--step", "monthly") as running:
        wait_until(lambda: processes_of(copy) > others, SHOWN)
        running.process.kill()
        wait_until(lambda: processes_of(copy) == others, END)
