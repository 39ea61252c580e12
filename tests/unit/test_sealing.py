"""What is sealed opens with its key, as what it was sealed for, and in no other way."""

from __future__ import annotations

import base64

import pytest

from dbsync.errors import ConfigError, DbsyncError
from dbsync.registry.keys import Key, new_key, parse_key
from dbsync.registry.sealing import Place, seal, unseal

KEY = Key(bytes(range(32)))
PLACE = Place(owner="ada", id="one", version=3)
TEXT = "postgresql://u:sécret@h/d"


def test_what_was_sealed_opens_again():
    sealed = seal(TEXT, key=KEY, place=PLACE)
    assert b"cret" not in sealed
    assert unseal(sealed, key=KEY, place=PLACE) == TEXT


def refusal(sealed: bytes, key: Key, place: Place) -> tuple[str, str]:
    with pytest.raises(DbsyncError) as caught:
        unseal(sealed, key=key, place=place)
    return caught.value.code, caught.value.message


def test_each_flipped_bit_each_cut_and_each_other_place_is_refused_in_the_same_words():
    sealed = seal(TEXT, key=KEY, place=PLACE)
    flipped = [
        sealed[:byte] + bytes([sealed[byte] ^ 1 << bit]) + sealed[byte + 1 :]
        for byte in range(len(sealed))
        for bit in range(8)
    ]
    refusals = {refusal(other, KEY, PLACE) for other in (*flipped, *(sealed[:n] for n in range(len(sealed))))}
    for place in (
        Place(owner="bob", id="one", version=3),
        Place(owner="ada", id="two", version=3),
        Place(owner="ada", id="one", version=4),
        Place(owner='ada", "one', id="", version=3),
    ):
        refusals.add(refusal(sealed, KEY, place))
    refusals.add(refusal(sealed, new_key(), PLACE))
    ((code, message),) = refusals
    assert code == "SEAL_BROKEN"
    assert "secret" not in message


def test_no_nonce_comes_twice():
    nonces = {seal("", key=KEY, place=PLACE)[1:13] for _ in range(100_000)}
    assert len(nonces) == 100_000


@pytest.mark.parametrize(
    "text",
    [
        "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    ],
)
def test_a_key_is_64_hex_digits_or_base64(text):
    assert parse_key(f" {text}\n", where="here") == KEY


def test_base64_may_be_that_of_urls():
    key = Key(bytes([251, 239, 190, 255]) + bytes(range(28)))
    text = base64.urlsafe_b64encode(key.secret).decode()
    assert {"-", "_"} <= set(text)
    assert parse_key(text, where="here") == key


@pytest.mark.parametrize("text", ["", "correct horse battery staple", "00" * 32, "a" * 32, "0" * 63, "AAEC", "é" * 43])
def test_anything_else_is_no_key_and_is_not_repeated(text):
    with pytest.raises(ConfigError) as caught:
        parse_key(text, where="DBSYNC_KEY")
    assert caught.value.code == "BAD_KEY"
    assert not text or text not in str(caught.value.to_dict())


def test_a_key_shows_its_id_and_nothing_else():
    assert "00010203" not in repr(KEY)
    assert "\\x00" not in repr(KEY)
    assert len(KEY.id) == 16
    assert KEY.id not in KEY.text
