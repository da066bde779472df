"""What a workspace says of its workflows: their state, and their graphs."""

from collections.abc import Callable
from pathlib import Path

from checkout import Checkout


def states(checkout: Checkout) -> dict[str, tuple[str, str]]:
    done = checkout.flowlock("--json", "workflows")
    assert done.code == 0, done.err
    document = done.document
    assert document["names"] == [one["name"] for one in document["workflows"]]
    return {one["name"]: (one["package"], one["lock"]) for one in document["workflows"]}


def test_a_synced_workspace_is_current(synced: Checkout) -> None:
    assert states(synced) == dict.fromkeys(
        ("carbon", "clean-table", "penguins", "trends", "wages", "weather"), ("current", "current")
    )
    lines = synced.flowlock("workflows").out.splitlines()
    assert lines[0].split() == ["workflow", "version", "package", "lock", "title"]
    assert lines[3].endswith("Palmer penguins, island by island")


def test_what_is_out_of_step_is_told_of_each_workflow(checkout: Callable[[], Checkout]) -> None:
    copy = checkout()
    carbon, penguins, weather = (copy.root / "examples" / name for name in ("carbon", "penguins", "weather"))
    spec = (carbon / "spec.yaml").read_text()
    (carbon / "spec.yaml").unlink()
    (carbon / "spec.yaml").write_text(spec.replace("Mauna Loa", "a mountain"))
    (penguins / "flowlock-penguins-workflow/pixi.lock").unlink()
    (weather / "spec.yaml").unlink()
    (weather / "spec.yaml").write_text("id: weather\nworkflow: 1\n")
    told = states(copy)
    assert told["carbon"][0] == "stale"
    assert told["penguins"] == ("current", "absent")
    assert told["weather"][0] == "invalid"


def test_a_graph_is_drawn_from_the_spec_as_it_is_now(
    checkout: Callable[[], Checkout], tmp_path: Path
) -> None:
    copy = checkout()
    drawn = copy.flowlock("graph", "penguins")
    package = copy.root / "examples/penguins/flowlock-penguins-workflow"
    assert drawn.out == (package / "flowlock_penguins_workflow/graph.mmd").read_text()
    done = copy.flowlock("graph", "penguins", "--svg", "--output", tmp_path / "steps.svg")
    assert done.out.strip() == str(tmp_path / "steps.svg")
    assert (tmp_path / "steps.svg").read_text() == (
        package / "flowlock_penguins_workflow/graph.svg"
    ).read_text()


def test_a_graph_opens_in_the_browser(checkout: Callable[[], Checkout], tmp_path: Path) -> None:
    copy = checkout()
    browser = tmp_path / "browser"
    shown = tmp_path / "shown"
    browser.write_text(f"#!/bin/sh\nprintf %s \"$1\" > '{shown}'\n")
    browser.chmod(0o755)
    done = copy.flowlock("graph", "penguins", "--open", BROWSER=f"{browser} %s")
    assert done.code == 0, done.err
    assert shown.read_text() == copy.state.graph("penguins").as_uri()
    assert copy.state.graph("penguins").read_text().startswith("<svg")


def test_a_graph_of_a_spec_with_problems_is_refused_with_them(checkout: Callable[[], Checkout]) -> None:
    copy = checkout()
    spec = copy.root / "examples/weather/spec.yaml"
    spec.unlink()
    spec.write_text("id: weather\nworkflow:\n  - {id: a, task: load_tabel}\n")
    done = copy.flowlock("graph", "weather")
    assert done.code == 1
    assert "examples/weather/spec.yaml:3" in done.err
    assert done.out == ""
