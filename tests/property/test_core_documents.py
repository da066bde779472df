"""A JSON document means what it means to json.loads."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowlock_core.documents import parse_document

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(JSON_VALUES, st.sampled_from([None, 1, "\t"]))
def test_json_means_what_json_says(value: object, indent: int | str | None) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=indent is None)
    content = parse_document(text, "p.json").content
    assert json.dumps(content) == json.dumps(value)
