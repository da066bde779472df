"""One tiny package: its inputs, and the archive that an engine leaves of it."""

from datetime import UTC, datetime

from flowlock.builder.plan.identity import Inputs
from flowlock.builder.worker.canonical import ArchiveFacts
from flowlock.conda.members import Member
from flowlock.conda.noarch import Noarch
from flowlock.recipe.document import parse

RECIPE = """
package: {name: tiny, version: '1.0'}
source: {path: ../../src/tiny}
build: {number: 3, noarch: python, script: [do it]}
requirements: {run: [python >=3.11]}
"""
INPUTS = Inputs(
    recipe=parse(RECIPE, "recipe.yaml"),
    sources={"tiny.py": "file 1"},
    epoch=datetime(2026, 11, 1, tzinfo=UTC),
    pins=("hatchling ==1.30.1", "uv ==0.11.21"),
)
FACTS = ArchiveFacts(recipe=INPUTS.recipe.canonical_text, epoch=INPUTS.epoch, noarch=Noarch.PYTHON)
# What an engine leaves: with traces of when and where it built.
MADE = (
    Member(path="site-packages/tiny.py", data=b"x = 1\n", executable=True),
    Member(path="site-packages/__pycache__/tiny.cpython-311.pyc", data=b"\0"),
    Member(path="site-packages/tiny-1.0.dist-info/METADATA", data=b"Name: tiny\n"),
    Member(path="site-packages/tiny-1.0.dist-info/direct_url.json", data=b'{"url": "file:///tmp"}'),
    Member(
        path="site-packages/tiny-1.0.dist-info/RECORD",
        data=b"../../../bin/tiny,sha256=x,1\ntiny.py,,\ntiny-1.0.dist-info/METADATA,,\n"
        b"tiny-1.0.dist-info/direct_url.json,,\ntiny-1.0.dist-info/RECORD,,\n",
    ),
    Member(path="info/index.json", data=b'{"version": "1.0", "name": "tiny", "timestamp": 1795377543816}'),
    Member(path="info/about.json", data=b'{"channels": ["file:///tmp/base"], "summary": "Tiny"}'),
    Member(path="info/paths.json", data=b'{"paths": []}'),
    Member(path="info/hash_input.json", data=b"{}"),
)
