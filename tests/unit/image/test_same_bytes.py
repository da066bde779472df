"""The bytes of a small image, pinned: CI makes it with each Python, and all of them must agree."""

from pathlib import Path

from images import small_image

# It changes on purpose only: with a document of an image, or with the pinned release of zstandard.
IMAGE = "sha256:5cbb0a45a3f6d8de7e093d01c0c9a70918ff5a0eee6c45110de157a8cd32ccd6"


def test_an_image_has_these_bytes_with_every_python(tmp_path: Path) -> None:
    layout = small_image(tmp_path, {"numpy": b"numbers" * 1000, "größe": bytes(range(256)) * 1000})
    assert layout.image.digest == IMAGE
