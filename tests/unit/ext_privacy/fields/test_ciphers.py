"""AES-SIV by the vectors of RFC 5297, and what is refused."""

import base64

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from flowlock_ext_privacy.fields.ciphers import (
    Cipher,
    Decrypter,
    DecryptionError,
    Form,
    Protected,
    blake2_pseudonyms,
    hmac_pseudonyms,
)
from secret_keys import KEY, OTHER

# RFC 5297, A.1: the associated data are letters, so they can be a context.
A1_KEY = bytes.fromhex("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
A1_DATA = bytes.fromhex("101112131415161718191a1b1c1d1e1f2021222324252627")
A1_PLAIN = bytes.fromhex("112233445566778899aabbccddee")
A1_SEALED = bytes.fromhex("85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c")
# A.2: two associated data and a nonce.
A2_KEY = bytes.fromhex("7f7e7d7c7b7a79787776757473727170404142434445464748494a4b4c4d4e4f")
A2_DATA = [
    bytes.fromhex("00112233445566778899aabbccddeeffdeaddadadeaddadaffeeddccbbaa99887766554433221100"),
    bytes.fromhex("102030405060708090a0"),
    bytes.fromhex("09f911029d74e35bd84156c5635688c0"),
]
A2_PLAIN = b"this is some plaintext to encrypt using SIV-AES"
A2_SEALED = bytes.fromhex(
    "7bdb6e3b432667eb06f4d14bff2fbd0fcb900f2fddbe404326601965c889bf17"
    "dba77ceb094fa663b7a3f748ba8af829ea64ad544a272e9c485b62a3fd5c0d"
)


def test_the_deterministic_vector_of_the_rfc() -> None:
    text = Cipher("a1", A1_KEY, A1_DATA.decode()).deterministic(A1_PLAIN)
    assert text == f"a1.s.{base64.urlsafe_b64encode(A1_SEALED).decode()}".rstrip("=")
    assert Decrypter({"a1": A1_KEY}, A1_DATA.decode()).decrypted(text) == A1_PLAIN


def test_the_vector_with_a_nonce_and_where_ours_is_put() -> None:
    assert AESSIV(A2_KEY).encrypt(A2_PLAIN, A2_DATA) == A2_SEALED
    protected = Protected.parse(Cipher("k", KEY, "email").randomised(b"plain"))
    nonce, sealed = protected.data[:16], protected.data[16:]
    assert AESSIV(KEY).decrypt(sealed, [b"email", nonce]) == b"plain"


def test_only_the_same_key_and_context_decrypt() -> None:
    for text in (Cipher("k", KEY, "email").deterministic(b"a"), Cipher("k", KEY, "email").randomised(b"a")):
        assert Decrypter({"k": KEY}, "email").decrypted(text) == b"a"
        for keys, context in (({"k": KEY}, "phone"), ({"k": OTHER}, "email")):
            with pytest.raises(DecryptionError, match="key or context differ"):
                Decrypter(keys, context).decrypted(text)
        with pytest.raises(DecryptionError, match="the key `k`, which is missing"):
            Decrypter({"other": KEY}, "email").decrypted(text)


def test_a_value_that_was_changed_is_refused_wherever_it_was() -> None:
    text = Cipher("k", KEY, "email").deterministic(b"somebody@example.org")
    data = bytearray(Protected.parse(text).data)
    for position in range(len(data)):
        data[position] ^= 1
        changed = str(Protected(key_id="k", form=Form.DETERMINISTIC, data=bytes(data)))
        with pytest.raises(DecryptionError, match="it was changed"):
            Decrypter({"k": KEY}, "email").decrypted(changed)
        data[position] ^= 1
    assert Decrypter({"k": KEY}, "email").decrypted(text) == b"somebody@example.org"


@pytest.mark.parametrize(
    "text", ["", "plain", "k.s", "k.s.!!", "k.x.AAAA", "k.s.é", "k.s.AAAA.AAAA", "k.s.A"]
)
def test_what_is_not_an_encrypted_value_is_refused(text: str) -> None:
    with pytest.raises(DecryptionError, match="not an encrypted value"):
        Decrypter({"k": KEY}, "email").decrypted(text)


@pytest.mark.parametrize("text", ["k.s.", "k.s.AAAA", "k.r.AAAA"])
def test_a_value_that_was_cut_is_refused(text: str) -> None:
    with pytest.raises(DecryptionError):
        Decrypter({"k": KEY}, "email").decrypted(text)


def test_keyed_hashes_depend_on_key_context_and_value_and_cannot_be_reversed() -> None:
    for pseudonyms in (hmac_pseudonyms, blake2_pseudonyms):
        base = pseudonyms("k", KEY, "email")(b"a")
        assert base == pseudonyms("k", KEY, "email")(b"a")
        others = {
            pseudonyms("k", OTHER, "email")(b"a"),
            pseudonyms("k", KEY, "phone")(b"a"),
            pseudonyms("k", KEY, "email")(b"b"),
            # The border between context and value counts.
            pseudonyms("k", KEY, "emai")(b"la"),
        }
        assert len(others - {base}) == 4
        with pytest.raises(DecryptionError, match="a keyed hash, which cannot be reversed"):
            Decrypter({"k": KEY}, "email").decrypted(base)
