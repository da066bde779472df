"""A bucket's channel index, written by the engine."""

import asyncio
import re
from collections.abc import Coroutine
from typing import Any

from flowlock.edges.secret import Secret
from flowlock.errors import FlowlockError


def index_bucket(
    *,
    url: str,
    endpoint: str,
    region: str,
    key: Secret,
    secret: Secret,
    token: Secret | None,
    path_style: bool,
) -> None:
    """Index a channel in an S3 bucket; `url` is `s3://bucket/prefix`."""
    from rattler.index import S3Credentials, index_s3

    credentials = S3Credentials(
        endpoint_url=endpoint,
        region=region,
        access_key_id=key.reveal(),
        secret_access_key=secret.reveal(),
        session_token=token.reveal() if token else None,
        addressing_style="path" if path_style else "virtual-host",
    )
    _run(index_s3(url, credentials=credentials, force=True, write_shards=False), url)


def _run(task: Coroutine[Any, Any, None], what: str) -> None:
    try:
        asyncio.run(task)
    except Exception as error:  # the engine's exceptions share no base class
        # The engine's messages may quote a signed request.
        reason = re.sub(r"(?i)(signature|credential|token)=[^\s&,]+", r"\1=***", str(error))
        raise FlowlockError(
            f"cannot index {what}: {reason}",
            code="FL814",
            hint="what was uploaded stays; run the same command again to index it",
        ) from error
