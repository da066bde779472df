"""The page's own JSON keeps the digits of every number, and texts that look like numbers stay texts."""

import json
import shutil
import subprocess
from typing import Any

from shared import ROOT, require_part

NODE = shutil.which("node")
SOURCES = ROOT / "src/flowlock-serve/page/sources"
NUMBERS = [
    "0",
    "-0",
    "1",
    "1.0",
    "1.50",
    "0.1",
    "1e3",
    "1E+2",
    "-2.5e-7",
    "9007199254740993",
    "12345678901234567890123",
    "0.10000000000000000555",
    "1e400",
    "-1e-400",
]
REFUSED = ["", "07", ".5", "5.", "+1", "1,5", "0x10", "NaN", "Infinity", "1e", "--1", "1 000"]
TEXTS = ['"1.0"', r'"a \"1.50\" b"', r'"\\"', r'"\u0000"', '"1e400"', '""']


def in_node(script: str, cases: list[str]) -> Any:
    """Run a script that has `cases` and the module `exact`; return what it makes of them."""
    require_part(found=NODE is not None, part="node")
    module = json.dumps((SOURCES / "exact.js").as_uri())
    source = (
        f"const exact = await import({module}); const cases = {json.dumps(cases)};"
        f"console.log(JSON.stringify({script}))"
    )
    command = [str(NODE), "--input-type=module", "-e", source]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def test_what_is_read_and_written_again_is_the_same_text() -> None:
    document = f'{{"n":[{",".join(NUMBERS)}],"t":[{",".join(TEXTS)}],"k":{{"1.0":true,"x":null}}}}'
    assert in_node("cases.map((text) => exact.toJson(exact.parseJson(text)))", [document]) == [document]


def test_a_typed_number_is_written_as_it_was_typed() -> None:
    assert in_node("cases.map((text) => exact.toJson(exact.numberOf(text)))", NUMBERS) == NUMBERS
    assert in_node("cases.map((text) => exact.typed(exact.numberOf(text)))", NUMBERS) == NUMBERS


def test_what_is_not_a_number_of_json_is_not_made_one() -> None:
    assert in_node("cases.map((text) => exact.numberOf(text))", REFUSED) == [None] * len(REFUSED)


def test_only_for_comparing_with_a_schema_numbers_are_rounded() -> None:
    rounded = in_node("cases.map((text) => exact.rounded([exact.numberOf(text)])[0])", NUMBERS[:10])
    assert rounded == [float(text) for text in NUMBERS[:10]]
