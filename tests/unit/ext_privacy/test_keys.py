"""Keys as connections: what is refused, what identifies them, and that they are masked."""

import base64

import pytest

from flowlock_core.connections.problems import SettingsError
from flowlock_core.connections.settings import Sources
from flowlock_core.masking import masked
from flowlock_ext_privacy.keys import MOCKED_ID, SecretKey
from secret_keys import KEY, OTHER, secret_key, text_of, variables


def test_the_current_key_comes_first_and_earlier_ones_follow() -> None:
    settings = variables("people", KEY, "2026", f"2025:{text_of(OTHER)}")
    key = SecretKey.named("people", Sources(settings))
    assert key.current == ("2026", KEY)
    assert dict(key.keys) == {"2026": KEY, "2025": OTHER}
    assert key.check() == "key 2026, earlier keys: 2025"
    assert (
        SecretKey.named("people", Sources(variables("people", KEY))).check() == "key 2026, earlier keys: none"
    )


def test_only_the_id_identifies_a_key_and_nothing_shows_its_bytes() -> None:
    key = secret_key(previous=f"2025:{text_of(OTHER)}")
    assert key.identity() == {"kind": "key", "id": "2026"}
    shown = f"{key!r} {key} {key.model_dump()} {key.model_dump_json()} {key.secret} {key.previous}"
    assert text_of(KEY)[:8] not in shown
    assert text_of(OTHER)[:8] not in shown


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (variables("people", KEY[:32]), "the key `2026` has 32 bytes; a key is 64 random bytes"),
        (variables("people", KEY + KEY), "has 128 bytes"),
        (variables("people", bytes(64)), "is not random"),
        (variables("people", b"passwordpassword" * 4), "is not random"),
        (variables("people", KEY, "2026", "no-colon"), "earlier key 1 in `previous` is not written as"),
        (variables("people", KEY, "2026", f"2026:{text_of(OTHER)}"), "two keys have the id `2026`"),
        (variables("people", KEY, "2026", "2025:Zm9v"), "the key `2025` has 3 bytes"),
        (variables("people", KEY, "Not An Id"), "should match pattern"),
        (
            {**variables("people", KEY), "FLOWLOCK_CONNECTIONS__KEY__PEOPLE__SECRET": "no base64!"},
            "in base64",
        ),
        ({"FLOWLOCK_CONNECTIONS__KEY__PEOPLE__ID": "2026"}, "the setting `secret`"),
    ],
)
def test_what_is_not_a_key_is_refused_without_being_shown(settings: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        SecretKey.named("people", Sources(settings))
    text = str(caught.value)
    assert words in text
    secret = settings.get("FLOWLOCK_CONNECTIONS__KEY__PEOPLE__SECRET", "absent")
    assert secret[:10] not in text


def test_keys_are_masked_in_every_spelling() -> None:
    SecretKey.named("people", Sources(variables("people", KEY, "2026", f"2025:{text_of(OTHER)}")))
    for key in (KEY, OTHER):
        for spelling in (text_of(key), key.hex(), base64.urlsafe_b64encode(key).decode()):
            assert masked(f"before {spelling} after") == "before *** after"


def test_a_mocked_key_is_one_that_everybody_knows() -> None:
    key = SecretKey.mock("people")
    assert key.current[0] == MOCKED_ID
    assert key.current == SecretKey.mock("other").current
    assert key.identity() is None
