"""Cursors: opaque, signed, and good for one list only."""

import string
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from api import problems
from api.pagination import CursorInvalid, Cursors, PageCursor, PageSize
from support.money_app import client

CURSORS = Cursors(b"k" * 32)
WHEN = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
PLACE = tuple[datetime, str]
WRITTEN = CURSORS.write("payments", (WHEN, "pay_1"))


def test_a_cursor_leads_back_to_its_place():
    assert CURSORS.read("payments", WRITTEN, PLACE) == (WHEN, "pay_1")


def test_a_cursor_of_another_list_or_key_is_refused():
    with pytest.raises(CursorInvalid):
        CURSORS.read("payments?status=settled", WRITTEN, PLACE)
    with pytest.raises(CursorInvalid):
        Cursors(b"j" * 32).read("payments", WRITTEN, PLACE)


def test_a_genuine_cursor_of_another_shape_is_refused():
    with pytest.raises(CursorInvalid):
        CURSORS.read("payments", WRITTEN, tuple[int, str])


@given(st.integers(0, len(WRITTEN) - 1), st.sampled_from(string.printable + "é\ud800"))
def test_a_cursor_with_any_character_changed_is_refused(index: int, character: str):
    changed = WRITTEN[:index] + character + WRITTEN[index + 1 :]
    if changed != WRITTEN:
        with pytest.raises(CursorInvalid):
            CURSORS.read("payments", changed, PLACE)


@pytest.mark.parametrize("row", ["", "a", "ab"])
def test_a_cursor_said_in_another_way_is_refused(row: str):
    # Base64 leaves bits over at the end; whoever changes them has not been given that cursor.
    cursor = CURSORS.write("rows", (row,))
    alphabet = string.ascii_letters + string.digits + "-_=+/"
    for changed in (cursor[:-1] + last for last in alphabet if last != cursor[-1]):
        with pytest.raises(CursorInvalid):
            CURSORS.read("rows", changed, tuple[str])
    with pytest.raises(CursorInvalid):
        CURSORS.read("rows", cursor + "=", tuple[str])


@given(st.text(max_size=80))
def test_a_made_up_cursor_is_refused(text: str):
    with pytest.raises(CursorInvalid):
        CURSORS.read("payments", text, PLACE)


def paged_app() -> FastAPI:
    app = FastAPI(openapi_url=None)
    problems.install(app)

    @app.get("/rows")
    async def rows(size: PageSize = 50, cursor: PageCursor = None) -> list[str]:
        return [str(size), *(CURSORS.read("rows", cursor, tuple[str]) if cursor else ())]

    return app


async def test_a_page_has_fifty_rows_and_may_have_one_to_two_hundred():
    async with client(paged_app()) as http:
        assert (await http.get("/rows")).json() == ["50"]
        assert (await http.get("/rows?pageSize=200")).json() == ["200"]
        for wrong in ("0", "201", "-1", "x", "1e2"):
            answer = await http.get(f"/rows?pageSize={wrong}")
            assert answer.status_code == 422
            assert answer.json()["errors"][0]["location"] == "query.pageSize"


async def test_a_wrong_cursor_is_a_problem():
    async with client(paged_app()) as http:
        answer = await http.get("/rows?cursor=AAAA")
        good = await http.get("/rows", params={"cursor": CURSORS.write("rows", ("last",))})

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/cursor_invalid")
    assert good.json() == ["50", "last"]
