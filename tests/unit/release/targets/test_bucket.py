"""What a bucket lists is XML from a server: a document type is refused, whatever the encoding hides it in."""

from pathlib import Path

import pytest

from flowlock.edges.retry_policy import RetryPolicy
from flowlock.errors import FlowlockError
from flowlock.release.targets.bucket import Bucket
from flowlock.release.targets.client import Client
from flowlock.release.targets.protocol import Context
from servers.loopback import Response, answering

QUICK = RetryPolicy(tries=1, first_pause=0.001, longest_pause=0.001, longest_wait=1.0)
ENTITIES = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
    "<ListBucketResult><Contents><Key>&b;</Key><Size>1</Size></Contents></ListBucketResult>"
)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (ENTITIES.encode(), "it has a document type"),
        (('<?xml version="1.0" encoding="utf-16"?>' + ENTITIES).encode("utf-16"), "it has a document type"),
        (b"<ListBucketResult>", "no element found"),
        (b'<?xml version="1.0" encoding="no-such"?><a/>', "unknown encoding"),
        (b"", "no element found"),
    ],
    ids=["utf-8", "utf-16", "cut", "encoding", "empty"],
)
def test_a_listing_that_is_not_plain_xml_is_a_problem_of_the_server(
    body: bytes, said: str, tmp_path: Path
) -> None:
    with answering(lambda _: Response(status=200, body=body)) as url:
        bucket = Bucket(
            name="s3:bucket",
            url=url,
            prefix="channel",
            client=Client(Context(root=tmp_path, tag="v1.0.0", retry_policy=QUICK), "s3:bucket"),
            scratch=tmp_path,
            retry_policy=QUICK,
        )
        with pytest.raises(FlowlockError) as caught:
            bucket.index()
    (problem,) = caught.value.problems
    assert problem.code == "FL813"
    assert said in problem.message
