import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from flowlock.builder.plan.identity import cache_key, identity
from flowlock.builder.plan.reasons import why
from flowlock.builder.worker.canonical import canonical
from flowlock.conda import archive
from flowlock.errors import FlowlockError
from flowlock.recipe.document import parse
from unit.builder.tiny import FACTS, INPUTS, MADE, RECIPE

# Whoever changes these on purpose raises identity.SCHEMA.
BUILD = "pyh3fa6f0a5_3"
SHA256 = "6cdf90904b79456772545fe43d50cdbe6e00b807f7febe09152a9e5eb6f718c9"


def test_the_bytes_of_a_tiny_package_are_these() -> None:
    own = identity(INPUTS, subdir="linux-64")
    data = archive.write(own.artifact.stem, canonical(MADE, FACTS).members, epoch=INPUTS.epoch)
    assert (own.artifact.build, hashlib.sha256(data).hexdigest()) == (BUILD, SHA256)


def test_the_file_name_carries_the_digest_of_the_inputs() -> None:
    own = identity(INPUTS, subdir="linux-64")
    assert own.artifact.file == f"tiny-1.0-pyh{own.digest[:8]}_3.conda"
    assert own.artifact.subdir == "noarch"


@pytest.mark.parametrize(
    ("noarch", "variant", "begins", "subdir"),
    [
        ("noarch: python, ", {}, "pyh", "noarch"),
        ("noarch: python, ", {"python": "3.12"}, "pyh", "noarch"),
        ("noarch: generic, ", {}, "h", "noarch"),
        ("", {}, "h", "linux-64"),
        ("", {"numpy": "2.1"}, "h", "linux-64"),
        ("", {"python": "3.12"}, "py312h", "linux-64"),
        ("", {"python": "3.13.* *_cp313"}, "py313h", "linux-64"),
        ("", {"python": "any"}, "h", "linux-64"),
    ],
)
def test_the_build_string_begins_with_what_the_build_is_for(
    noarch: str, variant: dict[str, str], begins: str, subdir: str
) -> None:
    inputs = replace(INPUTS, recipe=parse(RECIPE.replace("noarch: python, ", noarch), "r"), variant=variant)
    own = identity(inputs, subdir="linux-64")
    assert (own.artifact.build, own.artifact.subdir) == (f"{begins}{own.digest[:8]}_3", subdir)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sources": {"tiny.py": "file 2", "b.py": "file 3"}}, "source changed (b.py, tiny.py)"),
        (
            {"recipe": parse(RECIPE.replace("3.11", "3.12"), "r")},
            "recipe changed (requirements.run)",
        ),
        (
            {"recipe": parse(RECIPE.replace("'1.0'", "'1.1'"), "r")},
            "recipe changed (package.version)",
        ),
        (
            {"epoch": datetime(2027, 1, 1, tzinfo=UTC)},
            "epoch changed (2026-11-01T00:00:00+00:00 → 2027-01-01T00:00:00+00:00)",
        ),
        ({"pins": ("hatchling ==1.31.0", "uv ==0.11.21")}, "build pin changed (hatchling ==1.31.0)"),
    ],
)
def test_every_input_changes_the_identity_and_says_so(change: dict[str, object], reason: str) -> None:
    other = replace(INPUTS, **change)  # type: ignore[arg-type]  # the fields of Inputs, by name
    assert identity(other, subdir="linux-64").digest != identity(INPUTS, subdir="linux-64").digest
    assert why(INPUTS.as_json(), other.as_json()) == reason


def test_the_place_of_the_package_is_no_input() -> None:
    moved = replace(INPUTS, recipe=parse(RECIPE.replace("../../src/tiny", "../tiny"), "r"))
    assert identity(moved, subdir="linux-64") == identity(INPUTS, subdir="osx-64")


def test_a_package_without_a_past_is_new_and_surroundings_are_reported() -> None:
    now = {**INPUTS.as_json(), "surroundings": {"engine": "2"}}
    assert why(None, now) == "new"
    assert why({**now, "surroundings": {"engine": "1"}}, now) == "engine changed"
    assert why(now, now) == "its artifact is missing or damaged"


def test_surroundings_are_part_of_the_key_and_not_of_the_identity() -> None:
    digest = identity(INPUTS, subdir="linux-64").digest
    assert cache_key(digest, surroundings={"a": 1}) != cache_key(digest, surroundings={"a": 2})


def test_a_portable_package_must_not_hold_the_path_of_its_build() -> None:
    paths = b'{"paths": [{"_path": "site-packages/tiny.py", "prefix_placeholder": "/tmp/x"}]}'
    made = [m if m.path != "info/paths.json" else replace(m, data=paths) for m in MADE]
    with pytest.raises(FlowlockError, match=r"the path of its environment into site-packages/tiny\.py"):
        canonical(made, FACTS)
