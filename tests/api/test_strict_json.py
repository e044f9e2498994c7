"""Hostile bodies: each is refused with a stable code, none is answered 5xx, none is echoed."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.strict_json import (
    IntegerTooLarge,
    KeyRepeated,
    LoneSurrogate,
    MalformedJson,
    NestedTooDeep,
    NulCharacter,
    NumberNotFinite,
    read,
)
from ledger.errors import LedgerError
from support.money_app import client, money_app

PAY = "/api/v1/payments/p1"
JSON = {"content-type": "application/json"}


def payment(minor: str = "5", words: str = '"canary"') -> bytes:
    return f'{{"amount":{{"minor":{minor},"currency":"IDR"}},"words":{words}}}'.encode()


REFUSED: dict[bytes, type[LedgerError]] = {
    b"NaN": NumberNotFinite,
    b"[Infinity]": NumberNotFinite,
    b'{"a":-Infinity}': NumberNotFinite,
    b"1e400": NumberNotFinite,
    b"1000000000000001": IntegerTooLarge,
    b"-1000000000000001": IntegerTooLarge,
    b"9" * 5_000: IntegerTooLarge,
    b"[" + b"9" * 60_000 + b"]": IntegerTooLarge,
    b'{"a":1,"a":1}': KeyRepeated,
    b'[{"a":1,"\\u0061":2}]': KeyRepeated,
    b'"\\u0000"': NulCharacter,
    b'{"a\\u0000":1}': NulCharacter,
    b'{"a":["\\u0000"]}': NulCharacter,
    b'"\\ud800"': LoneSurrogate,
    b'"\\uDFFF\\ud800"': LoneSurrogate,
    b'{"\\ud83d":1}': LoneSurrogate,
    b"[" * 33 + b"]" * 33: NestedTooDeep,
    b'{"a":' * 33 + b"1" + b"}" * 33: NestedTooDeep,
    b"[" * 30_000 + b"]" * 30_000: NestedTooDeep,
    b"[" * 65_536: NestedTooDeep,
    b"": MalformedJson,
    b"{": MalformedJson,
    b"{'a':1}": MalformedJson,
    b'{"a":1,}': MalformedJson,
    b"[1] 2": MalformedJson,
    b'"\x00"': MalformedJson,
    b'"a\nb"': MalformedJson,
    b'"\xff"': MalformedJson,
    b'"\xed\xa0\x80"': MalformedJson,
    b"\xef\xbb\xbf{}": MalformedJson,
    '{"a":1}'.encode("utf-16"): MalformedJson,
    b"01": MalformedJson,
}

ACCEPTED: dict[bytes, Any] = {
    b"1000000000000000": 10**15,
    b"-1000000000000000": -(10**15),
    b"1.5": 1.5,
    b'"\\ud83d\\ude00"': "\N{GRINNING FACE}",
    '"\N{GRINNING FACE}"'.encode(): "\N{GRINNING FACE}",
    b'"\\\\u0000"': "\\u0000",
    b'"' + b"[" * 100 + b'"': "[" * 100,
    b"[" + b"[]," * 40 + b"[]]": [[]] * 41,
    b'[{"a":1},{"a":1}]': [{"a": 1}, {"a": 1}],
}

MONEY = {
    "true": "int_type",
    '"5"': "int_type",
    "5.0": "int_type",
    "1e3": "int_type",
    "null": "int_type",
    "[]": "int_type",
    "0": "greater_than",
    "-5": "greater_than",
}


@pytest.mark.parametrize("body", REFUSED, ids=lambda body: repr(body[:24]))
def test_a_hostile_text_is_refused_with_its_own_code(body: bytes):
    with pytest.raises(REFUSED[body]) as refused:
        read(body)

    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize("body", ACCEPTED, ids=lambda body: repr(body[:24]))
def test_what_only_looks_hostile_is_read(body: bytes):
    assert read(body) == ACCEPTED[body]


def test_thirty_two_levels_are_read():
    assert read(b"[" * 32 + b"]" * 32)
    assert read(b'{"a":' * 32 + b"1" + b"}" * 32)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes):
    with suppress(LedgerError):
        read(body)


TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)
LEAF = st.none() | st.booleans() | st.integers(-(10**15), 10**15) | TEXT
TREE = st.recursive(
    LEAF | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(TREE, st.booleans())
def test_what_a_correct_writer_wrote_is_read_back(tree: Any, escaped: bool):
    assert read(json.dumps(tree, ensure_ascii=escaped).encode()) == tree


@pytest.mark.parametrize("body", REFUSED, ids=lambda body: repr(body[:24]))
async def test_no_hostile_body_is_answered_5xx_or_echoed(body: bytes):
    hostile = b'{"amount":{"minor":5,"currency":"IDR"},"words":"canary","more":' + body + b"}"
    async with client(money_app()) as http:
        for sent in (body or b" ", hostile):
            answer = await http.post(PAY, content=sent, headers=JSON)

            assert 400 <= answer.status_code < 500, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            assert "canary" not in answer.text and "99999" not in answer.text
            assert len(answer.content) < 2_000
            answer.json()


@pytest.mark.parametrize("minor", MONEY)
async def test_money_is_an_integer_and_nothing_that_looks_like_one(minor: str):
    async with client(money_app()) as http:
        answer = await http.post(PAY, content=payment(minor), headers=JSON)

    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"location": "body.amount.minor", "rule": MONEY[minor]}]


async def test_a_good_body_is_accepted_and_malformed_json_is_400():
    async with client(money_app()) as http:
        good = await http.post(PAY, content=payment(), headers=JSON)
        bad = await http.post(PAY, content=b'{"amount":', headers=JSON)

    assert good.status_code == 201
    assert (bad.status_code, bad.json()["type"]) == (400, "/problems/malformed_json")


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", None]
)
async def test_a_body_that_is_not_announced_as_json_is_415(media_type: str | None):
    headers = {"content-type": media_type} if media_type else {}
    async with client(money_app()) as http:
        answer = await http.post(PAY, content=payment(), headers=headers)

    assert answer.status_code == 415
    assert answer.json()["type"] == "/problems/unsupported_media_type"


async def test_a_charset_beside_the_media_type_does_no_harm():
    headers = {"content-type": "Application/JSON; charset=utf-8"}
    async with client(money_app()) as http:
        answer = await http.post(PAY, content=payment(), headers=headers)

    assert answer.status_code == 201


async def test_a_missing_body_is_a_validation_error():
    async with client(money_app()) as http:
        answer = await http.post(PAY)

    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"location": "body", "rule": "missing"}]


@pytest.mark.parametrize(
    "address", ["/api/v1/payments?text=a%00b", "/api/v1/payments/a%00b", "/api/v1/payments?%00=1"]
)
async def test_nul_in_an_address_is_refused(address: str):
    async with client(money_app()) as http:
        method = "POST" if "?" not in address else "GET"
        answer = await http.request(method, address, content=payment(), headers=JSON)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/nul_character")


async def test_a_body_of_64_kib_is_read_and_one_byte_more_is_413():
    def padded(length: int) -> bytes:
        return payment().ljust(length, b" ")

    async with client(money_app()) as http:
        fits = await http.post(PAY, content=padded(65_536), headers=JSON)
        exceeds = await http.post(PAY, content=padded(65_537), headers=JSON)

    assert fits.status_code == 201
    assert (exceeds.status_code, exceeds.json()["type"]) == (413, "/problems/body_too_large")
