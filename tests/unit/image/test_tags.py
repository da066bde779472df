"""Tags of images: a release's version or the commit, and nothing that would be moved."""

import pytest

from flowlock.errors import FlowlockError
from flowlock.image.tags import tag_of

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_an_image_of_a_release_has_its_version_and_any_other_the_commit() -> None:
    assert tag_of(COMMIT, "1.2.0") == "1.2.0"
    assert tag_of(COMMIT, "") == COMMIT
    assert tag_of(COMMIT, "1.2.0", COMMIT) == COMMIT
    assert tag_of(COMMIT, "", COMMIT[:7]) == COMMIT[:7]


@pytest.mark.parametrize("requested", ["latest", "main", "1.3.0", "v1.2.0", COMMIT[:6], "f" * 40])
def test_any_other_tag_is_refused(requested: str) -> None:
    with pytest.raises(FlowlockError) as caught:
        tag_of(COMMIT, "1.2.0", requested)
    assert caught.value.problems[0].code == "FL920"


def test_a_tree_with_changes_has_no_tag() -> None:
    with pytest.raises(FlowlockError, match="not committed") as caught:
        tag_of("", "", None)
    assert caught.value.problems[0].code == "FL921"
