"""The little of GitHub's expression language that tests evaluate, as its reference describes it."""

from typing import Any

import pytest

from servers.expressions import evaluate, fill

SCOPE: dict[str, Any] = {
    "github": {"event_name": "workflow_dispatch", "ref_name": "v1.2.0"},
    "inputs": {"tag": "", "dry-run": True},
    "needs": {"build": {"outputs": {"listed": '{"names": ["a", "b"]}'}}},
}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("github.event_name == 'push' || !inputs.dry-run", False),
        ("github.event_name != 'push' && inputs.dry-run", True),
        ("inputs.tag || github.ref_name", "v1.2.0"),
        ("inputs.absent", None),
        ("inputs.absent.deeper || 'it''s'", "it's"),
        ("!(inputs.dry-run && github.event_name == 'push')", True),
        ("fromJSON(needs.build.outputs.listed).names", ["a", "b"]),
    ],
)
def test_an_expression_is_worth_what_a_runner_says(text: str, wanted: object) -> None:
    assert evaluate(text, SCOPE) == wanted


def test_texts_are_filled_and_a_lone_expression_keeps_its_type() -> None:
    assert (
        fill("refs/tags/${{ inputs.tag || github.ref_name }}${{ inputs.absent }}", SCOPE)
        == "refs/tags/v1.2.0"
    )
    assert fill("dry: ${{ inputs.dry-run }}", SCOPE) == "dry: true"
    assert fill("${{ inputs.dry-run }}", SCOPE) is True


@pytest.mark.parametrize(
    "text", ["github.event_name ==", "contains('a', 'b')", "a b", "inputs[0]", "(inputs.tag"]
)
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises((ValueError, KeyError, IndexError)):
        evaluate(text, SCOPE)
