"""What goes in by COPY in binary is what PostgreSQL would have read from text."""

from datetime import UTC, date, datetime, timedelta, timezone

import psycopg
import pytest

from projections.engine import copying

JAKARTA = timezone(timedelta(hours=7))
MOMENTS = [
    datetime(2026, 11, 23, 10, 41, 46, 268919, tzinfo=UTC),
    datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2000, 1, 1, tzinfo=JAKARTA),
    datetime(1, 1, 1, tzinfo=UTC),
]


@pytest.mark.parametrize("at", MOMENTS)
def test_moments_days_texts_and_documents_arrive_whole(database: str, at: datetime) -> None:
    row = (copying.moment(at), copying.day(at.date()), "a\tb\\n'ü\"", copying.document({"k": [1]}))
    with psycopg.connect(database) as conn, conn.cursor() as cursor:
        cursor.execute("create table t (at timestamptz, day date, words text, document jsonb)")
        copying.copy(
            cursor, b"copy t from stdin (format binary)", ("int8", "int4", "text", "bytea"), [row]
        )

        same = cursor.execute(
            "select at = %s, day = %s, words, document from t",
            (at.astimezone(UTC).isoformat(), at.date().isoformat()),
        ).fetchone()

    assert same == (True, True, "a\tb\\n'ü\"", {"k": [1]})


def test_days_are_counted_from_the_year_2000() -> None:
    assert [copying.day(date(2000, 1, 1)), copying.day(date(1999, 12, 31))] == [0, -1]


def test_a_nul_becomes_the_replacement_character() -> None:
    assert copying.text("a\x00b") == "a\ufffdb"
    assert copying.document({"words": "a\x00b"}) == b'\x01{"words":"a\\ufffdb"}'
