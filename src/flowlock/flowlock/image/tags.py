"""Which tag an image gets: a release's version, or the commit; never one that is meant to be moved. Pure."""

from flowlock.errors import FlowlockError

SHORTEST_COMMIT = 7


def tag_of(commit: str, release: str, requested: str | None = None) -> str:
    """Return the tag of an image of a commit, which is empty for a tree with changes.

    `release` is the version whose release is of this commit, empty if there is none. Another tag than these
    two is refused: it would not say what is in the image, or be moved later.
    """
    if requested == "latest":
        raise FlowlockError(
            "images are not tagged `latest`",
            code="FL920",
            hint="leave --tag out: the tag is the release's version, or the commit",
        )
    if not commit:
        raise FlowlockError(
            "the workspace has changes that are not committed, so no tag says what is in its images",
            code="FL921",
            hint="commit the changes, then run the same command again",
        )
    if requested is None:
        return release or commit
    is_commit = len(requested) >= SHORTEST_COMMIT and commit.startswith(requested)
    if requested != release and not is_commit:
        allowed = f"the version {release} or the commit" if release else "the commit"
        raise FlowlockError(
            f"`{requested}` is not a tag of this commit",
            code="FL920",
            hint=f"use {allowed} {commit[:SHORTEST_COMMIT]} as the tag, or leave --tag out",
        )
    return requested
