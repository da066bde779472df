"""Tokens, and the vault that leads back to values."""

import stat
from pathlib import Path

import pandas as pd
import pytest

from flowlock_core.errors import TaskError
from flowlock_ext_privacy.tokens import detokenize, tokenize
from flowlock_ext_privacy.vault import Vault
from secret_keys import KEY, OTHER, secret_key, text_of

DF = pd.DataFrame({"who": ["ada", "bob", None, "ada"], "number": [1, 2, 3, 1]})


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(path=tmp_path / "tokens.db").under("people")


def test_a_value_keeps_its_token_and_comes_back(vault: Vault) -> None:
    first = tokenize(DF, ["who", "number"], vault, secret_key())
    again = tokenize(DF[::-1], ["who", "number"], vault, secret_key())
    pd.testing.assert_frame_equal(first, again[::-1])
    assert first["who"][0] == first["who"][3] != first["who"][1]
    assert pd.isna(first["who"][2])
    back = detokenize(first, ["who", "number"], vault, secret_key())
    assert back["who"].tolist()[:2] == ["ada", "bob"]
    assert back["number"].tolist() == [1, 2, 3, 1]
    assert vault.check() == f"{vault.path}, 5 tokens"


def test_a_token_does_not_depend_on_its_value(tmp_path: Path) -> None:
    vaults = [Vault(path=tmp_path / name).under("v") for name in ("a.db", "b.db")]
    one, two = (tokenize(DF, ["who"], vault, secret_key())["who"] for vault in vaults)
    assert not set(one.dropna()) & set(two.dropna())


def test_the_file_is_private_and_has_no_values(vault: Vault) -> None:
    tokenize(DF, ["who"], vault, secret_key())
    assert stat.S_IMODE(vault.path.stat().st_mode) == 0o600
    content = vault.path.read_bytes()
    assert b"ada" not in content
    assert KEY not in content
    assert text_of(KEY).encode() not in content
    vault.path.chmod(0o640)
    with pytest.raises(TaskError, match="can be read or changed by other users") as caught:
        tokenize(DF, ["who"], vault, secret_key())
    assert caught.value.code == "FL754"


def test_a_rotated_key_finds_earlier_tokens_and_another_key_none(vault: Vault) -> None:
    first = tokenize(DF, ["who"], vault, secret_key(OTHER, "2025"))
    rotated = secret_key(KEY, "2026", f"2025:{text_of(OTHER)}")
    more = pd.DataFrame({"who": ["ada", "new"]})
    second = tokenize(more, ["who"], vault, rotated)
    assert second["who"][0] == first["who"][0]
    assert detokenize(second, ["who"], vault, rotated)["who"].tolist() == ["ada", "new"]
    with pytest.raises(TaskError, match="that this key cannot read") as caught:
        detokenize(first, ["who"], vault, secret_key())
    assert caught.value.parameter == "key"


def test_an_unknown_token_and_a_wrong_context_are_refused(vault: Vault) -> None:
    made = tokenize(DF, ["who"], vault, secret_key())
    with pytest.raises(TaskError, match="2 tokens of the column `who` are not in the vault"):
        detokenize(DF, ["who"], vault, secret_key())
    with pytest.raises(TaskError, match="key or context differ"):
        detokenize(made, ["who"], vault, secret_key(), context="other")


def test_a_failure_leaves_the_vault_as_it_was(vault: Vault) -> None:
    tokenize(DF, ["who"], vault, secret_key())
    broken = pd.DataFrame({"who": ["new"], "lists": [[1]]})
    with pytest.raises(TaskError, match="type list"):
        tokenize(broken, ["who", "lists"], vault, secret_key())
    assert vault.check().endswith(", 2 tokens")


def test_what_is_not_a_vault_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database, and long enough to be seen as none " * 10)
    (tmp_path / "text").chmod(0o600)
    for path, words in (
        (tmp_path / "text", "not a database"),
        (tmp_path / "absent/tokens.db", "No such file or directory"),
    ):
        with pytest.raises(TaskError, match=words):
            tokenize(DF, ["who"], Vault(path=path).under("v"), secret_key())
    with pytest.raises(ValueError, match="an absolute path"):
        Vault(path=Path("tokens.db"))


def test_a_mocked_vault_is_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = tokenize(DF, ["who"], Vault.mock("people"), secret_key())
    assert made["who"].nunique() == 2
    assert not list(tmp_path.iterdir())
