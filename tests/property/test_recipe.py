"""Whatever stands in a recipe: it is read, or refused with places; and versions are those of conda."""

import json
from typing import Any

import rattler
import yaml
from hypothesis import given
from hypothesis import strategies as st

from flowlock.builder.plan.order import needs
from flowlock.errors import FlowlockError
from flowlock.names import Version
from flowlock.recipe.document import parse
from flowlock.recipe.own import own_source
from flowlock.recipe.schema import KEYS
from flowlock.recipe.variants import variants
from flowlock.recipe.vendored import origin

WORDS = [
    *KEYS,
    *("name", "version", "number", "noarch", "script", "file", "python", "entry_points", "skip", "files"),
    *(
        "path",
        "url",
        "git",
        "sha256",
        "patches",
        "filter",
        "run",
        "host",
        "if",
        "then",
        "else",
        "epoch",
        "wheel",
    ),
    *(
        "generic",
        "../x",
        "/etc",
        "1.0",
        "${{ name }}",
        "${{ x }}",
        "${{ pin_subpackage(name) }}",
        "http://[",
        "",
    ),
]
scalars = st.one_of(
    st.sampled_from(WORDS), st.none(), st.booleans(), st.integers(-2, 2), st.floats(), st.text(max_size=3)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)
BASE: dict[str, Any] = {"package": {"name": "x", "version": "1"}, "context": {"name": "alpha"}}


def assert_placed(error: FlowlockError) -> None:
    assert all(problem.location and problem.location.column for problem in error.problems)


@given(given=st.dictionaries(st.sampled_from(KEYS[()]), values, max_size=5), usual=st.booleans())
def test_any_document_is_read_or_refused_with_its_places(given: dict[str, Any], *, usual: bool) -> None:
    text = yaml.safe_dump({**BASE, **given} if usual else {**given, **BASE})
    try:
        recipe = parse(text, "r")
    except FlowlockError as error:
        assert_placed(error)
        return
    json.loads(recipe.canonical_text)
    needs(recipe, ["alpha"])
    variants(recipe, "name: [1]", "v")
    assert isinstance(recipe.entry_points, tuple)
    for read in (own_source, origin):
        try:
            read(recipe)
        except FlowlockError as error:
            assert_placed(error)


@given(st.from_regex(Version.pattern, fullmatch=True))
def test_what_is_a_version_here_is_one_to_rattler(text: str) -> None:
    rattler.Version(Version(text))
