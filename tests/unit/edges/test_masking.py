"""No part of a secret is shown, however a server, a proxy or a program spells it."""

import base64
import json
import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlock.edges import credentials, masking, secret
from flowlock.edges.masking import SHORTEST_HIDDEN, SHORTEST_PRINTED, SHORTEST_QUOTED, hidden, printable
from flowlock.edges.secret import Secret
from flowlock.errors import FlowlockError

SECRET = "wJalrXUtnFEMI/K7MDENG+bPx_fiCY-3XAMPL3QQ=="  # noqa: S105 - opens nothing
PARTS = [SECRET[at : at + SHORTEST_QUOTED] for at in range(len(SECRET) - SHORTEST_QUOTED + 1)]
SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper case": str.upper,
    "percent": lambda text: quote(text, safe=""),
    "lower percent": lambda text: quote(text, safe="").lower(),
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "every character in percent": lambda text: "".join(f"%{ord(letter):02x}" for letter in text),
    "JSON": lambda text: json.dumps(text).replace("/", "\\/"),
    "unicode escapes": lambda text: "".join(f"\\u{ord(letter):04X}" for letter in text),
    "wide percent": lambda text: "".join(f"%u{ord(letter):04X}" for letter in text),
    "long escapes": lambda text: "".join(f"\\U{ord(letter):08x}" for letter in text),
    "braced escapes": lambda text: "".join(f"\\u{{{ord(letter):x}}}" for letter in text),
    "octal escapes": lambda text: "".join(f"\\{ord(letter):03o}" for letter in text),
    "open references": lambda text: "".join(f"&#{ord(letter)}" for letter in text),
    "base64 of base64": lambda text: base64.b64encode(base64.b64encode(f"u:{text}".encode())).decode(),
    "references": lambda text: "".join(f"&#x{ord(letter):x};" for letter in text),
    "decimal references": lambda text: "".join(f"&#{ord(letter)};" for letter in text),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of a pair": lambda text: base64.b64encode(f"user:{text}".encode()).decode(),
    "base64 behind two bytes": lambda text: base64.urlsafe_b64encode(f"ab{text}cd".encode()).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "upper hexadecimal": lambda text: text.encode().hex().upper(),
    "folded lines": lambda text: "\r\n ".join(re.findall(".{1,7}", text)),
    "spaced": " ".join,
    "zero width": "\u200b".join,
    "quoted lines": lambda text: '"\n"'.join(re.findall(".{1,9}", text)),
    "escaped line end": lambda text: "\\\n".join(re.findall(".{1,9}", text)),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_secret_is_masked_in_every_spelling(spelling: str) -> None:
    text = SPELLINGS[spelling](SECRET)
    for shortest in (SHORTEST_QUOTED, SHORTEST_PRINTED):
        masked = hidden(f"before {text} after", [SECRET], shortest=shortest)
        assert masked.startswith("before ")
        assert masked.endswith(" after")
        # In base64 the first and last character also tell of the neighbours.
        assert len(masked) < len("before  after") + 30
        assert text[8:16] not in masked


@pytest.mark.parametrize("spelling", [name for name in SPELLINGS if "references" not in name])
def test_a_secret_that_is_cut_anywhere_is_masked(spelling: str) -> None:
    text = SPELLINGS[spelling](SECRET)
    for end in range(len(text)):
        for cut in (text[:end], text[end:]):
            masked = hidden(f"a {cut} z", [SECRET])
            read = hidden(SPELLINGS["plain"](masked), [SECRET])
            assert read == masked
            assert not any(part in masked for part in PARTS)


def test_other_text_stays_as_it_is() -> None:
    text = 'flowlock: {"sha256": "3f2a", "url": "https://example.org/a%20b?c=d&amp;e"} 100% \\n é'
    assert hidden(text, [SECRET]) == text
    assert hidden(text, ["abc"]) == text
    assert hidden("the word here", ["word"]) == "the *** here"
    assert hidden("", [SECRET]) == ""


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=SHORTEST_HIDDEN), st.text())
def test_any_secret_is_masked_in_any_text_and_masking_again_changes_nothing(value: str, text: str) -> None:
    masked = hidden(f"{text} {value} {text}", [value])
    assert value not in masked or value in masking.MASK or "*" in value
    assert hidden(masked, [value]) == masked or "*" in value


@pytest.mark.parametrize(
    "value", ["plan\nted-secret", "planted\rsecret", "plänted-secret", "planted\x00secret", "🔑"]
)
def test_a_credential_that_no_header_can_carry_is_refused_and_not_shown(value: str) -> None:
    with pytest.raises(FlowlockError) as caught:
        secret.require(("A_TOKEN",), "https://host", "the target", {"A_TOKEN": value})
    (problem,) = caught.value.problems
    assert problem.code == "FL819"
    assert "A_TOKEN" in problem.message
    assert value[:4] not in str(problem.as_json())
    assert Secret.or_none(f"  {SECRET}\n") == Secret(SECRET)


def test_what_is_printed_has_neither_user_info_nor_tokens_nor_what_a_terminal_obeys() -> None:
    urls = "at https://user:pass@word@host/x, https://conda.host/t/a-token/channel"
    text = f"{urls} \x1b[31mred\x1b[0m \x9b2J\x07\u202e"
    shown = secret.safe(text)
    assert shown.startswith("at https://***@host/x, https://conda.host/t/***/channel red ")
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202e]", shown)
    assert printable("a\tb\r\nc") == "a\tb\nc"


def test_a_number_beyond_every_character_is_no_spelling() -> None:
    text = "\\UFFFFFFFF \\u{ffffff} &#9999999; \\777"
    assert hidden(text, [SECRET]) == text


@pytest.mark.parametrize(
    "address", ["https://{}@host/x", "https://{}:@host/x", "git+https://{}:x-oauth-basic@host"]
)
def test_a_token_in_place_of_the_user_of_an_address_is_a_secret(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = "tok-planted-0123456789"  # noqa: S105 - opens nothing
    monkeypatch.setenv("UV_INDEX_URL", address.format(token))
    assert secret.safe(f"the user {token} is not known") == "the user *** is not known"


def test_a_server_that_quotes_the_token_of_an_address_is_not_shown_with_it() -> None:
    token = "tok-planted-0123456789"  # noqa: S105 - opens nothing
    named = credentials.basic(f"https://{token}@host/simple")
    assert named is not None
    assert token not in repr(named)
    pair = base64.b64encode(f"{token}:".encode()).decode()
    told = named.hide_in(f"no user {token}, {quote(token, safe='')} or {pair}")
    assert told.startswith("no user ***, *** or ***")
    kept = credentials.basic("https://reader:planted-password@host/simple")
    assert kept is not None
    assert kept.hide_in("reader has planted-password") == "reader has ***"


def test_credentials_of_the_environment_are_masked_wherever_they_come_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOME_API_TOKEN", "an-environment-token")
    monkeypatch.setenv("UV_INDEX_URL", "https://reader:index-pass@index.example.org/simple")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    shown = secret.safe_document({"an-environment-token": ["index-pass", "false", 3, None]})
    assert shown == {"***": ["***", "false", 3, None]}
