import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlock.builder.plan.identity import Inputs, identity
from flowlock.builder.plan.order import order
from flowlock.builder.plan.reasons import why
from flowlock.conda.closure import closure
from flowlock.errors import FlowlockError
from flowlock.recipe.document import Recipe, from_document

NAMES = [f"p{number}" for number in range(12)]


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, frozenset[str]]:
    """Draw who needs whom: each only names before it, under a drawn order of names, so without a cycle."""
    names = draw(st.permutations(NAMES))
    return {
        name: frozenset(draw(st.sets(st.sampled_from(names[:place]), max_size=4))) if place else frozenset()
        for place, name in enumerate(names)
    }


@given(graph=graphs())
def test_everything_comes_after_what_it_needs(graph: dict[str, frozenset[str]]) -> None:
    found = order(graph)
    assert sorted(found) == sorted(graph)
    for name, needs in graph.items():
        assert all(found.index(need) < found.index(name) for need in needs)
        assert needs | {name} <= set(closure([name], graph.__getitem__))


@given(graph=graphs(), data=st.data())
def test_a_cycle_is_shown_as_a_path_that_is_one(
    graph: dict[str, frozenset[str]], data: st.DataObject
) -> None:
    pairs = [(user, need) for user in NAMES for need in closure([user], graph.__getitem__)]
    user, need = data.draw(st.sampled_from(pairs))
    graph = {**graph, need: graph[need] | {user}}
    with pytest.raises(FlowlockError, match="these packages depend on each other") as caught:
        order(graph)
    path = caught.value.message.partition(": ")[2].split(" → ")
    assert path[0] == path[-1]
    for one, other in pairwise(path):
        assert other in graph[one]


VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
SOURCES = st.dictionaries(
    st.text(min_size=1, max_size=12), st.text("0123456789abcdef", min_size=4, max_size=8)
)


def recipe(extra: Any) -> Recipe:
    return from_document({"package": {"name": "x", "version": "1"}, "extra": extra})


@settings(max_examples=150)
@given(one=VALUE, other=VALUE, first=SOURCES, second=SOURCES)
def test_identities_are_equal_exactly_when_the_inputs_are_and_every_difference_has_a_reason(
    one: Any, other: Any, first: dict[str, str], second: dict[str, str]
) -> None:
    made = Inputs(recipe=recipe(one), sources=first, epoch=datetime(2026, 1, 1, tzinfo=UTC), pins=("a", "b"))
    again = replace(made, recipe=recipe(one), sources=dict(reversed(first.items())))
    assert identity(again, subdir="linux-64").digest == identity(made, subdir="osx-64").digest
    changed = replace(made, recipe=recipe(other), sources=second)
    same = json.dumps([one, first], sort_keys=True) == json.dumps([other, second], sort_keys=True)
    digests = [identity(each, subdir="linux-64").digest for each in (made, changed)]
    assert (digests[0] == digests[1]) == same
    reason = why(json.loads(json.dumps(made.as_json())), changed.as_json())
    if same:
        assert reason == "its artifact is missing or damaged"
    else:
        assert "changed" in reason
