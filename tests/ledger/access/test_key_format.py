"""What a key looks like, and that nothing else is taken for one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from ledger.access import key_format
from ledger.access.key_format import ALNUM, new_key, parse

KEY = new_key()
PEPPER = b"p" * 32


def test_a_new_key_has_the_documented_shape_and_is_recognised():
    key = new_key()

    assert re.fullmatch(r"bkb_[0-9a-z]{8}_[A-Za-z0-9]{43}_[A-Za-z0-9]{6}", key.text)
    assert parse(key.text) == key
    assert len({new_key().text for _ in range(1_000)}) == 1_000


def test_a_key_does_not_show_itself():
    assert KEY.text not in repr(KEY)
    assert KEY.key_id in repr(KEY)


@given(st.integers(0, len(KEY.text) - 1), st.sampled_from(ALNUM))
def test_one_mistyped_character_is_noticed(index: int, character: str):
    mistyped = KEY.text[:index] + character + KEY.text[index + 1 :]
    if mistyped != KEY.text:
        assert parse(mistyped) is None


@given(st.text(max_size=80))
def test_any_text_is_refused_without_an_exception(text: str):
    assert parse(text) is None


@pytest.mark.parametrize("around", [" {}", "{}\n", "{}\x00", "Bearer {}", "{}é"])
def test_a_key_with_anything_around_it_is_no_key(around: str):
    assert parse(around.format(KEY.text)) is None


def test_the_hash_depends_on_pepper_and_key():
    kept = key_format.keyed_hash(PEPPER, KEY)

    assert key_format.same_hash(kept, key_format.keyed_hash(PEPPER, KEY))
    assert not key_format.same_hash(kept, key_format.keyed_hash(b"q" * 32, KEY))
    assert not key_format.same_hash(kept, key_format.keyed_hash(PEPPER, new_key()))
    assert KEY.text.split("_")[2] not in kept.digest


@pytest.mark.parametrize("way", [{"pepper": "key-pepper/2"}, {"algorithm": "sha-256"}])
def test_hashes_made_in_different_ways_are_not_the_same(way: dict[str, str]):
    kept = key_format.keyed_hash(PEPPER, KEY)

    assert not key_format.same_hash(kept, structs.replace(kept, **way))
