"""Flat parameters and form data say the same: converted there and back, nothing is lost."""

from hypothesis import given
from hypothesis import strategies as st

from flowlock_core.parameters.formdata import to_form, to_params

NAMES = st.text(min_size=1, max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
Workflow = tuple[dict[str, list[str]], list[str]]
PARAMETERS = st.dictionaries(NAMES, VALUES, max_size=3)


@st.composite
def workflows(draw: st.DrawFn) -> Workflow:
    """Groups, whose titles are no ids of steps outside of them, and all steps."""
    steps = draw(st.lists(NAMES, min_size=1, max_size=8, unique=True))
    kept = draw(st.integers(0, len(steps)))
    alone, grouped = steps[:kept], steps[kept:]
    titles = draw(st.lists(NAMES.filter(lambda name: name not in alone), min_size=1, max_size=3, unique=True))
    groups: dict[str, list[str]] = {}
    for step in grouped:
        groups.setdefault(draw(st.sampled_from(titles)), []).append(step)
    return groups, steps


@given(workflows(), st.data())
def test_parameters_survive_the_form(workflow: Workflow, data: st.DataObject) -> None:
    groups, steps = workflow
    given_steps = data.draw(st.lists(st.sampled_from(steps), unique=True))
    params = {step: data.draw(PARAMETERS) for step in given_steps}
    assert to_params(to_form(params, groups, steps), groups, steps) == params


@given(workflows(), st.data())
def test_form_data_survives_the_parameters(workflow: Workflow, data: st.DataObject) -> None:
    groups, steps = workflow
    grouped = {step for members in groups.values() for step in members}
    form = {step: data.draw(PARAMETERS) for step in steps if step not in grouped and data.draw(st.booleans())}
    for title, members in groups.items():
        chosen = data.draw(st.lists(st.sampled_from(members), unique=True))
        form.update({title: {step: data.draw(PARAMETERS) for step in chosen}} if chosen else {})
    assert to_form(to_params(form, groups, steps), groups, steps) == form
