"""How the seals fare: whether they are sound, whether the places outside hold the same, and how much of
the log is not sealed yet.
"""

from typing import Any

import msgspec
import psycopg
from psycopg.rows import tuple_row

from api import seals as sealed
from api.seal_sinks import kept_in
from ledger.audit import seal as sealing
from ledger.audit.proving import stored
from ledger.audit.seal import Seal
from ledger.eventstore.connections import connect
from ledger.settings import Settings

NEWEST = """
select coalesce(max(notification_id), 0),
    (select encode(hash, 'hex') from events where notification_id = %s)
from events
"""

# By the database's clock, also where the ledger lives by another: how long workers have not sealed.
BEHIND = """
select head - sealed as events,
    case when head > sealed then coalesce(extract(epoch from clock_timestamp() - made_at), 0) else 0 end::float8 as age
from (select coalesce(max(notification_id), 0) as head from events) as log,
    (select coalesce(max(position), 0) as sealed, max(made_at) as made_at from seals)
        as sealing
"""


class Place(msgspec.Struct, kw_only=True):
    name: str
    seals: int
    wrong: str = ""


class SealCondition(msgspec.Struct, kw_only=True):
    seals: int
    position: int  # up to which the log is sealed
    head: int
    newest_at: str = ""
    wrong: str = ""
    places: list[Place] = []

    @property
    def ok(self) -> bool:
        return not self.wrong and not any(place.wrong for place in self.places)

    def lines(self) -> list[str]:
        covered = f"over the first {self.position:,} events; {self.head - self.position:,} since"
        found = [f"database        {self.seals:,} seals, {covered}"]
        if self.newest_at:
            found.append(f"newest          {self.newest_at}")
        if self.wrong:
            found.append(f"WRONG           {self.wrong}")
        for place in self.places:
            found.append(f"{place.name}: {place.seals:,} seals")
            if place.wrong:
                found.append(f"WRONG           {place.wrong}")
        if not self.places:
            found.append("outside         nowhere: set BUKUBESAR_SEALS__FILE or __FOLDER")
        return found


async def behind(conn: psycopg.AsyncConnection[Any]) -> tuple[int, float]:
    """Events that no seal covers yet, and the age in seconds of the newest seal while there are any."""
    cursor = conn.cursor(row_factory=tuple_row)
    events, age = await (await cursor.execute(BEHIND)).fetchone() or (0, 0.0)
    return events, age


def condition(settings: Settings) -> SealCondition:
    database, schema = settings.database_url.get_secret_value(), settings.database_schema
    with connect(database, schema, "auditor") as connection:
        seals = stored(connection)
        last = seals[-1] if seals else None
        row = connection.execute(NEWEST, (last.position if last else 0,)).fetchone()
    assert row is not None
    head, chain = row
    return SealCondition(
        seals=len(seals),
        position=last.position if last else 0,
        head=head,
        newest_at=last.at if last else "",
        wrong=_wrong(seals, sealed.own_keys(settings), chain),
        places=_places(settings, seals),
    )


def _wrong(seals: list[Seal], keys: list[str], chain: str | None) -> str:
    if fault := sealing.first_fault(seals, keys):
        return f"seal {fault.number}: {fault.words}"
    if seals and seals[-1].chain != chain:
        return (
            f"the log has another event at {seals[-1].position} than seal {seals[-1].number} says"
        )
    return ""


def _places(settings: Settings, seals: list[Seal]) -> list[Place]:
    named = (("file", settings.seals.file), ("folder", settings.seals.folder))
    return [
        _place(f"{kind} {path}", kept_in(path) if path.exists() else [], seals)
        for kind, path in named
        if path
    ]


def _place(name: str, kept: list[Seal], seals: list[Seal]) -> Place:
    place = Place(name=name, seals=len(kept))
    other = next((mine.number for mine, its in zip(seals, kept, strict=False) if mine != its), 0)
    if other:
        place.wrong = f"seal {other} there is not the one in the database"
    elif len(kept) > len(seals):
        place.wrong = f"the database lacks seal {len(seals) + 1}"
    elif len(kept) < len(seals):
        place.wrong = f"seal {len(kept) + 1} is missing there; does a worker run?"
    return place
