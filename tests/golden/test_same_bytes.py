"""A spec compiles to the same bytes whatever the hash seed, and in whatever order tasks are registered."""

import os
import subprocess
import sys
from pathlib import Path

from specs import GOLDEN

TESTS = Path(__file__).parents[1]
COMPILE_ALL = """
import hashlib, random, sys

from flowlock.compile.package import render
from flowlock.spec.catalog import Catalog
from flowlock.spec.rules.check import check_text
from specs import BROKEN, FACTS, GOLDEN, signatures

known = list(signatures())
random.Random(sys.argv[1]).shuffle(known)
catalog = Catalog.of(known, broken=[BROKEN], distributions=["pandas"])
for path in sorted(GOLDEN.glob("valid/*/spec.yaml")):
    text = path.read_bytes().decode("utf-8")
    spec, _ = check_text(text, "spec.yaml", catalog, FACTS)
    package = render(spec, catalog, FACTS, source=text)
    digests = [hashlib.sha256(f"{name} {body}".encode()).hexdigest() for name, body in package.items()]
    print(path.parent.name, *digests)
"""


def compiled(seed: str) -> str:
    """Compile every valid golden spec in a process of another hash seed, with tasks in another order."""
    places = [str(TESTS), str(GOLDEN / "tasks")]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", COMPILE_ALL, seed],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(places)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_another_hash_seed_and_another_order_of_tasks_give_the_same_bytes() -> None:
    first = compiled("1")
    assert len(first.splitlines()) == len(list(GOLDEN.glob("valid/*/spec.yaml")))
    assert compiled("2") == first
