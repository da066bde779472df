"""The drawing of a workflow: nothing covers anything, edges run downwards, and what is special is marked."""

from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from flowlock.compile.graph.geometry import Frame, Size, picture
from flowlock.compile.graph.layers import Chain, arranged, ranks
from shared import seeded
from specs import GOLDEN, package_of

NAMES = sorted(path.parent.name for path in GOLDEN.glob("valid/*/spec.yaml"))


def read(name: str) -> str:
    return (GOLDEN / "valid" / name / "spec.yaml").read_bytes().decode("utf-8")


def overlap(one: Frame, other: Frame) -> bool:
    return (
        one.left < other.left + other.width
        and other.left < one.left + one.width
        and one.top < other.bottom
        and other.top < one.bottom
    )


@pytest.mark.parametrize("seed", range(20))
def test_cards_and_groups_never_cover_each_other_and_edges_run_down(seed: int) -> None:
    chance = seeded(seed)
    count = chance.randint(1, 40)
    steps = [f"s{number}" for number in range(count)]
    edges = sorted({tuple(sorted(chance.sample(range(count), 2))) for _ in range(count)}) if count > 1 else []
    members: list[list[str]] = []
    rest = list(steps)
    while rest:
        size = chance.choice([1, 1, 2, 5])
        members.append(rest[:size])
        rest = rest[size:]
    groups = {number for number, member in enumerate(members) if len(member) > 1}
    sizes = {step: Size(chance.randint(90, 250), chance.choice([50, 67])) for step in steps}
    pairs = [(steps[one], steps[other]) for one, other in edges]
    drawn = picture(members, groups, sizes, pairs)
    frames = list(drawn.steps.values())
    assert not any(overlap(one, other) for n, one in enumerate(frames) for other in frames[:n])
    boxes = list(drawn.groups.values())
    assert not any(overlap(one, other) for n, one in enumerate(boxes) for other in boxes[:n])
    for number, member in enumerate(members):
        for step in steps:
            inside = step in member
            assert number not in groups or overlap(drawn.groups[number], drawn.steps[step]) == inside
    for (one, other), points in drawn.edges.items():
        assert points[0] == (points[0][0], drawn.steps[one].bottom)
        assert points[-1] == (drawn.steps[other].middle, drawn.steps[other].top)
        assert all(upper[1] <= lower[1] for upper, lower in pairwise(points))
    assert all(frame.left >= 0 and frame.left + frame.width <= drawn.size.width for frame in frames)


def test_a_source_stands_just_above_what_uses_it() -> None:
    assert ranks("abcd", [("a", "b"), ("b", "d"), ("c", "d")]) == {"a": 0, "b": 1, "c": 1, "d": 2}


def test_crossings_are_taken_out() -> None:
    chains = [Chain(("a", "d")), Chain(("b", "c"))]
    upper, lower = arranged([["a", "b"], ["c", "d"]], chains)
    assert upper.index("a") - upper.index("b") == lower.index("d") - lower.index("c")


def drawing(spec: str) -> str:
    """Return the drawing in the package of a spec."""
    (text,) = [text for path, text in package_of(spec).items() if path.endswith("/graph.svg")]
    return text


def test_the_command_prints_the_graph_of_the_readme_with_groups_and_names() -> None:
    package = package_of(read("groups"))
    (graph,) = [text for path, text in package.items() if path.endswith("/graph.mmd")]
    assert f"```mermaid\n{graph}```" in package["README.md"]
    assert "subgraph" in graph


@pytest.mark.parametrize("name", NAMES)
def test_every_drawing_is_xml_with_a_card_for_each_step(name: str) -> None:
    text = drawing(read(name))
    root = ET.fromstring(text)  # noqa: S314 - our own
    cards = root.findall("{http://www.w3.org/2000/svg}g")
    titles = [card.findtext("{http://www.w3.org/2000/svg}title") or "" for card in cards]
    source = package_of(read(name))["flowlock_demo_workflow/workflow.py"] if name == "groups" else ""
    assert len(titles) == len(set(titles))
    assert all(f'"{title.partition(":")[0]}")' in source for title in titles if source)


def test_groups_mapped_edges_and_skippable_steps_are_marked() -> None:
    text = drawing(read("sixty-tasks"))
    assert text.count('class="group"') == 6
    assert "Region 3</text>" in text
    assert 'class="groups" d="M' in text
    assert ">each group</text>" in text
    assert 'class="card skippable"' in text
    assert "; skipped if " in text


def test_a_workflow_too_large_to_look_at_says_so() -> None:
    steps = "".join(f"  - {{id: s{n}, task: number}}\n" for n in range(400))
    text = drawing(f"id: demo\nrequirements: [demo-tasks]\nworkflow:\n{steps}")
    assert "400 steps: too many" in text
