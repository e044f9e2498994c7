"""Sealed data opens where it was sealed, unchanged, and nowhere else."""

import base64

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from ledger.privacy.sealing import SealBroken, open_seal, seal, unwrap, wrap

CIPHER = AESGCM(b"k" * 32)
SEALED = seal(CIPHER, "Budi", subject="cus_1", key_version=1, field="name", stream="pay_1")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_was_sealed_opens_to_the_same_text(text: str):
    sealed = seal(CIPHER, text, subject="cus_1", key_version=1, field="name")

    assert open_seal(CIPHER, sealed, field="name") == text


def test_the_same_text_never_gives_the_same_ciphertext():
    again = seal(CIPHER, "Budi", subject="cus_1", key_version=1, field="name", stream="pay_1")

    assert again.ciphertext != SEALED.ciphertext
    assert "Budi" not in repr(SEALED)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"subject": "cus_2"}, {"field": "name", "stream": "pay_1"}),
        ({"key_version": 2}, {"field": "name", "stream": "pay_1"}),
        ({}, {"field": "email", "stream": "pay_1"}),
        ({}, {"field": "name", "stream": "pay_2"}),
        ({}, {"field": "name"}),
        ({"nonce": base64.b64encode(b"0" * 12).decode()}, {"field": "name", "stream": "pay_1"}),
        ({"nonce": ""}, {"field": "name", "stream": "pay_1"}),
        ({"nonce": "not base64!"}, {"field": "name", "stream": "pay_1"}),
        ({"ciphertext": "AAAA"}, {"field": "name", "stream": "pay_1"}),
    ],
)
def test_what_was_moved_or_changed_does_not_open(changes: dict, place: dict):
    with pytest.raises(SealBroken):
        open_seal(CIPHER, msgspec.structs.replace(SEALED, **changes), **place)


def test_parts_of_the_place_do_not_run_into_each_other():
    for sign in ("|", ",", '","', "\x1f", ""):
        sealed = seal(CIPHER, "x", subject="a", key_version=1, field=f"b{sign}c", stream="d")
        with pytest.raises(SealBroken):
            open_seal(CIPHER, sealed, field="b", stream=f"c{sign}d")


def test_another_key_does_not_open_it():
    with pytest.raises(SealBroken):
        open_seal(AESGCM(b"j" * 32), SEALED, field="name", stream="pay_1")


def test_a_wrapped_key_opens_only_for_its_subject_version_and_master():
    wrapped = wrap(CIPHER, b"d" * 32, subject="cus_1", version=1)

    assert len(wrapped) == 60
    assert unwrap(CIPHER, wrapped, subject="cus_1", version=1) == b"d" * 32
    for master, subject, version in (
        (CIPHER, "cus_2", 1),
        (CIPHER, "cus_1", 2),
        (AESGCM(b"j" * 32), "cus_1", 1),
    ):
        with pytest.raises(SealBroken):
            unwrap(master, wrapped, subject=subject, version=version)
    with pytest.raises(SealBroken):
        unwrap(CIPHER, b"", subject="cus_1", version=1)
