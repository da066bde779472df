"""A tag in a manifest: one line changes, every reader takes it for a text, and what is unclear is refused."""

import difflib

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from flowlock.deploy.tag_edit import checked_tag, scalar, set_tag
from flowlock.errors import FlowlockError
from values_files import IMAGE, SHAPES, Shape

# What some reader of YAML takes for a number, a boolean, null or a date; and two that none does.
TAGS = ("1234567", "1e10", "0x10", "0o17", "1_000", "12e03", "on", "No", "null", "y", "2026-11-27", "0.10")
PLAIN = ("1.2.3", "v1.2.0-rc.1", "abcdef0")


def parts(shape: Shape) -> tuple[str, str, str]:
    before, _, rest = shape.text.partition("<")
    # The merge key of YAML has the same letters.
    while rest.startswith("<: "):
        middle, _, rest = rest.partition("<")
        before += f"<{middle}<"
    replaced, _, after = rest.partition(">")
    return before, replaced, after


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_one_line_changes_and_the_tag_is_a_text(shape: Shape, tag: str) -> None:
    head, old, tail = parts(shape)
    edit = set_tag(head + old + tail, "values.yaml", image=IMAGE, key=shape.key, tag=tag)
    assert edit.after in {head + shape.after.format(tag=tag) + tail, head + written(shape, tag) + tail}
    changed = [
        line
        for line in difflib.unified_diff(edit.before.splitlines(), edit.after.splitlines(), n=0)
        if line.startswith(("+", "-"))
    ]
    # Two of them name the files.
    assert len(changed) == 4
    again = set_tag(edit.after, "values.yaml", image=IMAGE, key=shape.key, tag=tag)
    assert not again.changed
    assert again.place.tag == tag


def written(shape: Shape, tag: str) -> str:
    """Return a reference, which needs no quotes: it is a text whatever the tag is."""
    plain = shape.after.format(tag=tag)
    return plain.strip('"') if "/" in plain else plain


def test_there_are_thirty_shapes() -> None:
    assert len({shape.name for shape in SHAPES}) >= 30


@pytest.mark.parametrize("tag", PLAIN)
def test_what_is_a_text_for_everyone_is_not_quoted(tag: str) -> None:
    assert scalar(tag) == tag


@pytest.mark.parametrize("tag", [*TAGS, "~", "true", "OFF", "NaN", ".5", "1.5", "0b1", "1:30", ""])
def test_what_could_be_something_else_is_quoted(tag: str) -> None:
    assert scalar(tag) == f'"{tag}"'


@given(st.from_regex(r"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}\Z"))
def test_every_tag_is_read_back_as_the_text_that_it_is(tag: str) -> None:
    assert yaml.safe_load(f"tag: {scalar(tag)}") == {"tag": tag}


def test_a_number_that_is_the_tag_gets_its_quotes() -> None:
    text = "image: {repository: ghcr.io/octo/services, tag: 1234567}\n"
    edit = set_tag(text, "values.yaml", image=IMAGE, key="", tag="1234567")
    assert edit.after == text.replace("1234567", '"1234567"')


@pytest.mark.parametrize("tag", ["latest", "", "-a", ".a", "a b", "a/b", "a:b", "~", "a" * 129, "a\n"])
def test_other_tags_are_refused(tag: str) -> None:
    with pytest.raises(FlowlockError) as caught:
        checked_tag(tag)
    assert caught.value.problems[0].code == "FL944"


def test_the_lines_of_aliases_that_change_too_are_named() -> None:
    text = "image: {repository: ghcr.io/octo/services, tag: &tag abc}\na: *tag\nb:\n  c: [*tag]\n"
    edit = set_tag(text, "values.yaml", image=IMAGE, key="", tag="def")
    assert edit.place.shared == (2, 4)


REFUSED = {
    "not YAML": ("image: [\n", "", "FL940", 2),
    "a template": ("image:\n  tag: {{ .Values.tag }}\n  x: {{ y }}: z\n", "", "FL940", 3),
    "a tab": ("image:\n\ttag: abc\n", "", "FL940", 2),
    "empty": ("", "", "FL941", None),
    "a text": ("abc\n", "", "FL941", None),
    "another image": ("image: {repository: ghcr.io/octo/service, tag: a}\n", "", "FL941", None),
    "no such key": ("image: {tag: a}\n", "image.tga", "FL941", None),
    "no tag": ("a: 1\nimage:\n  repository: ghcr.io/octo/services\n", "", "FL941", 3),
    "two places": (
        "a: {repository: ghcr.io/octo/services, tag: a}\nb: {repository: ghcr.io/octo/services, tag: a}\n",
        "",
        "FL942",
        2,
    ),
    "a key twice": ("image:\n  repository: ghcr.io/octo/services\n  tag: a\n  tag: b\n", "", "FL942", 4),
    "two documents": ("a: {tag: x}\n---\na: {tag: x}\n", "a.tag", "FL942", 3),
    "an alias": ("v: &v a\nimage: {repository: ghcr.io/octo/services, tag: *v}\n", "image.tag", "FL943", 2),
    "below an alias": ("v: &v {tag: a}\nimage: *v\n", "image.tag", "FL943", 2),
    "a block": ("image:\n  repository: ghcr.io/octo/services\n  tag: |\n    abc\n", "", "FL943", 3),
    "two lines": ('image:\n  repository: ghcr.io/octo/services\n  tag: "a\n    b"\n', "", "FL943", 3),
    "a number by its tag": (
        "image:\n  repository: ghcr.io/octo/services\n  tag: !!int 5\n",
        "",
        "FL943",
        3,
    ),
    "a digest": (f"spec:\n  image: ghcr.io/octo/services:abc@sha256:{'0' * 64}\n", "", "FL943", 2),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_unclear_is_refused_with_its_place_and_a_way_out(name: str) -> None:
    text, key, code, line = REFUSED[name]
    with pytest.raises(FlowlockError) as caught:
        set_tag(text, "values.yaml", image=IMAGE, key=key, tag="def")
    (problem,) = caught.value.problems
    assert problem.code == code
    assert problem.hint
    assert problem.location is not None
    assert problem.location.line == line


def test_a_hint_names_what_was_probably_meant() -> None:
    with pytest.raises(FlowlockError) as caught:
        set_tag("image: {repository: ghcr.io/octo/service, tag: a}\n", "v", image=IMAGE, key="", tag="b")
    assert caught.value.hint == "did you mean `ghcr.io/octo/service`?"


def test_aliases_that_multiply_are_read_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    text = "\n".join([*lines, "image: {repository: ghcr.io/octo/services, tag: abc}\n"])
    assert set_tag(text, "values.yaml", image=IMAGE, key="", tag="def").changed


@pytest.mark.parametrize("text", ["[" * 200_000, "- " * 50_000, "a: b\n" * 500_000])
def test_texts_without_end_are_refused_at_once(text: str) -> None:
    with pytest.raises(FlowlockError) as caught:
        set_tag(text, "values.yaml", image=IMAGE, key="", tag="def")
    assert caught.value.problems[0].code == "FL940"
