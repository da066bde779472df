"""Generated code has no exemption for characters that ruff does not object to."""

import json
import subprocess
import sys
import unicodedata
from pathlib import Path

from flowlock.compile.code.workflow import _AMBIGUOUS

LAST = 0x3000
# Surrogates and control characters cannot be written; without a name there is no character.
NOT_WRITTEN = {"Cs", "Cc", "Cn", "Co", "Zl", "Zp"}


def test_ruff_finds_no_character_ambiguous_that_is_not_exempted(tmp_path: Path) -> None:
    written = [
        character
        for character in map(chr, range(0x80, LAST))
        if not _AMBIGUOUS.search(character) and unicodedata.category(character) not in NOT_WRITTEN
    ]
    assert {"₂", "²", "é", "→", "€"} <= set(written)
    module = tmp_path / "module.py"
    module.write_text("".join(f'"{character}"\n' for character in written), encoding="utf-8")
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "RUF001,RUF002,RUF003"]
    done = subprocess.run([*command, "--output-format", "json", module], capture_output=True, check=False)
    assert json.loads(done.stdout) == []
