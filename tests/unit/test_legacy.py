"""The older ``encryptedUrl`` format: its test vectors, and what must not be read."""

from __future__ import annotations

import pytest

from dbsync.errors import ConfigError
from dbsync.registry.legacy import OlderKey, older_key, read_older

HEX = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
RAW = "dbsync-test-key-0123456789abcdef"
FIRST = "oKGio6SlpqeoqaqrrK2ur1rMUMh/v6gFsvIlnsJw6P3tfzBKHUY02L12CJh8TUfqfP2DTeG2zMnUPASRKm3WgGo/7BwzY40SdzLJqTdW3V5a"
VECTORS = [
    (HEX, FIRST, "postgresql://demo:s3cret@db.example.test:5432/app"),
    (
        HEX,
        "AAAAAAAAAAAAAAAAAAAAAVK0L0LLAt3CTZjwZIv+nr1ZgPijyruCsuJh8ZaA3qO1/6ja4wfHcbjC3230gCLhGMlhHXw2dhzlAIyj2FJlCALlM+3gZeH+Pt8=",
        "postgres://ü%40ser:p%C3%A4ss@h:6543/dbñ?sslmode=require",
    ),
    (RAW, "/+7dzLuqmYh3ZlVEMyIRABz1A3ngB55+s8DCebuIyto=", ""),
    (
        HEX,
        "T+F60N8y9Dpdi1bwrm4Lbl7hiwXq2FZgeeiOQdZ1Ke8WiHMIO4fR/nUa5+1p3h+OgaB6ktq1PpKFyeQlv8OYyKi98updmLQ=",
        "postgresql://vec:three@localhost:5432/t",
    ),
]


@pytest.mark.parametrize(("key", "blob", "url"), VECTORS, ids=["no-padding", "unicode", "raw-key", "random-nonce"])
def test_the_vectors_open(key, blob, url):
    assert read_older(blob, older_key({"ENCRYPTION_KEY": key})).reveal() == url


def test_a_query_that_was_appended_is_cut_off_and_other_spellings_of_base64_are_read():
    key = older_key({"ENCRYPTION_KEY": HEX})
    for key_text, blob, url in VECTORS:
        if key_text == HEX:
            assert read_older(f"{blob}?page=1&limit=50", key).reveal() == url
            assert read_older(blob.replace("+", "-").replace("/", "_").rstrip("="), key).reveal() == url


def test_a_changed_text_another_key_and_rubbish_are_refused_and_not_repeated():
    key = older_key({"ENCRYPTION_KEY": HEX})
    changed = [FIRST[:n] + ("A" if FIRST[n] != "A" else "B") + FIRST[n + 1 :] for n in range(len(FIRST))]
    for blob in ("", "AAAA", FIRST[:-1] + "b", *changed, "no base64!", "ü" * 50, "A" * 100_000):
        with pytest.raises(ConfigError) as caught:
            read_older(blob, key)
        assert caught.value.code == "OLDER_URL"
        assert not blob or blob not in caught.value.message
    with pytest.raises(ConfigError):
        read_older(FIRST, OlderKey(bytes(32)))


def test_a_raw_key_is_weak_and_only_hex_works_on_both_sides():
    assert older_key({"ENCRYPTION_KEY": HEX}).warnings == ()
    assert "64 hex digits" in older_key({"ENCRYPTION_KEY": RAW}).warnings[0]


@pytest.mark.parametrize("text", ["", "short", "z" * 64, "ü" * 32, "0" * 63, "27-characters-as-in-a-file"])
def test_what_is_no_older_key_is_refused_and_not_repeated(text):
    with pytest.raises(ConfigError) as caught:
        older_key({"ENCRYPTION_KEY": text})
    assert caught.value.code == "NO_OLDER_KEY"
    assert not text or text not in caught.value.message
