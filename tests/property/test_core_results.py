"""Pages, groups, files: what must hold for any text and any table."""

import contextlib
import json
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from flowlock_core.documents.schema_references import inlined_defs
from flowlock_core.errors import WorkflowError
from flowlock_core.execute.context import element_name
from flowlock_core.page import render_page
from flowlock_core.parameters.params import parse_params
from flowlock_core.results import Chart, ChartRuntime, to_json
from flowlock_core.tasks.groupby import concat_groups, split_groups
from flowlock_core.tasks.results import (
    create_plot_widget,
    create_table_widget,
    create_text_widget,
    gather_dashboard,
)
from flowlock_core.types import GroupKey, InputPath, OutputName

RUNTIME = ChartRuntime(name="lib", load=lambda: "", draw="() => {}")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60) | st.sampled_from(
    ["</script>", "<!--", "]]>", "<script", "&lt;", '"onload="', "' onerror='", "\u2028", "\x00", "{{x}}"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=True) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


class Tags(HTMLParser):
    """Counts elements, and keeps the JSON blocks."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.counts: dict[str, int] = {}
        self.blocks: list[str] = []
        self.inside = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.inside = tag == "script" and ("type", "application/json") in attrs
        if self.inside:
            self.blocks.append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "script"

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.blocks[-1] += data


def page_of(text: str, figure: dict[str, object]) -> Tags:
    chart = Chart(figure=figure, runtime=RUNTIME, description=text, series=(text,))
    df = pd.DataFrame({text: [text, None]})
    key: GroupKey = ((text, "=", text),)
    grouped = [(key, create_plot_widget(chart, title=text, description=text))]
    widgets = [
        create_text_widget(text, title=text),
        create_table_widget(df, title=text, description=text),
    ]
    dashboard = gather_dashboard(title=text, description=text, widgets=[*widgets, grouped])
    return Tags(render_page(dashboard))


@settings(deadline=None)
@given(TEXT, st.dictionaries(TEXT, JSON, max_size=3))
def test_no_text_changes_the_elements_of_a_page(text: str, figure: dict[str, object]) -> None:
    plain, found = page_of("plain", {}), page_of(text, figure)
    # Text of blanks only makes no paragraph; all else is the same.
    assert {**found.counts, "p": 0} == {**plain.counts, "p": 0}
    assert json.loads(found.blocks[0]) == to_json(figure)
    assert json.loads(found.blocks[1]) == [text]


@settings(deadline=None)
@given(JSON)
def test_any_value_goes_to_strict_json_and_stays(value: object) -> None:
    document = to_json(value)
    assert to_json(json.loads(json.dumps(document, allow_nan=False))) == document


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["x", "y", None]), st.integers(0, 2), st.integers(-5, 5)), min_size=1)
)
def test_groups_hold_every_row_once_under_sorted_keys(rows: list[tuple[str | None, int, int]]) -> None:
    df = pd.DataFrame(rows, columns=["b", "a", "value"])
    groups = split_groups(df, ["b", "a"])
    whole = concat_groups(groups)
    assert sorted(map(str, whole.to_numpy().tolist())) == sorted(map(str, df.to_numpy().tolist()))
    keys = [tuple((part[2] is None, part[2]) for part in key) for key, _ in groups]
    assert keys == sorted(keys, key=lambda key: [(missing, "" if missing else str(v)) for missing, v in key])
    assert len(set(keys)) == len(keys)
    assert [key for key, _ in groups] == [key for key, _ in split_groups(df, ["a", "b"])]


@settings(deadline=None)
@given(st.text(max_size=200))
def test_parameters_parse_or_tell_a_problem(text: str) -> None:
    with contextlib.suppress(WorkflowError):
        params = parse_params(text, file="p", base=Path())
        assert all(isinstance(given, dict) for given in params.by_step.values())


@settings(deadline=None)
@given(st.text(max_size=30))
def test_an_output_stays_inside_its_folder(name: str) -> None:
    try:
        kept = TypeAdapter(OutputName).validate_python(name)
    except ValidationError:
        return
    assert (Path("/results") / kept).resolve().is_relative_to("/results")
    assert kept == name


@settings(deadline=None)
@given(st.lists(st.tuples(TEXT, st.just("="), TEXT | st.integers() | st.none()), max_size=3))
def test_the_name_of_a_group_is_a_file_name(key: list[tuple[str, str, object]]) -> None:
    name = element_name(tuple(key))
    assert name
    assert not set(name) & set('/\\:*?"<>|\x00\n ')
    assert not name.startswith((".", "-"))
    assert len(name.encode()) <= 255


@settings(deadline=None)
@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_an_input_path_starts_at_the_parameters_folder(text: str) -> None:
    path = TypeAdapter(InputPath).validate_python(text, context={"base": Path("/base")})
    assert path.is_absolute()
    assert path == Path("/base") / text


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from("ABC"),
        st.fixed_dictionaries(
            {"type": st.just("object")},
            optional={"next": st.sampled_from("ABC").map(lambda n: {"$ref": f"#/$defs/{n}"})},
        ),
        min_size=3,
    )
)
def test_inlining_ends_and_leaves_no_loose_reference(definitions: dict[str, object]) -> None:
    schema = inlined_defs({"$ref": "#/$defs/A", "$defs": definitions})
    text = json.dumps(schema)
    assert all(f'"#/$defs/{name}"' not in text or name in schema["$defs"] for name in "ABC")
