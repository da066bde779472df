"""What `flowlock explain` says of codes."""

import pytest

from flowlock.commands.explain import explain
from flowlock.errors import UsageError
from flowlock.report.explanations import explanations


@pytest.mark.parametrize("code", ["FL120", "fl120", " FL120 "])
def test_a_code_is_explained_in_either_case(code: str) -> None:
    result = explain(code)
    (one,) = result.as_json()["codes"]
    assert one["code"] == "FL120"
    assert result.as_text().startswith("FL120\n\n")
    assert "Fix:" in result.as_text()
    assert "```" not in result.as_text()
    assert "**" not in result.as_text()


def test_without_a_code_every_code_has_a_line() -> None:
    lines = explain(None).as_text().splitlines()
    assert [line[:5] for line in lines] == list(explanations())
    assert all(len(line) > len("FL120  ") for line in lines)


def test_what_is_not_a_code_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="`FL12O` is not a problem code") as caught:
        explain("FL12O")
    assert "`flowlock explain` lists the codes" in str(caught.value.problems[0].hint)
    assert "did you mean" in str(caught.value.problems[0].hint)
