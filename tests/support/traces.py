"""Traces of what should be gone: a text or bytes, in every form in which they may have been written down."""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import psycopg
from psycopg import sql

Named = Iterable[tuple[str, bytes]]

ALIGNMENTS = range(3)
ZEROS = re.compile(rb"\0{64,}")


def _base64(raw: bytes, before: int) -> bytes:
    """What stands in the base64 of anything that holds `raw`, wherever it begins in a group of three."""
    padded = base64.b64encode(bytes(before) + raw)
    begin = -(-before * 4 // 3) if before else 0
    end = (before + len(raw)) // 3 * 4
    return padded[begin:end]


def forms(raw: bytes) -> dict[str, bytes]:
    """Plain, hex in either case, base64 in every alignment; of a text UTF-16, too."""
    found = {"plain": raw, "hex": raw.hex().encode(), "HEX": raw.hex().upper().encode()}
    found |= {f"base64+{before}": _base64(raw, before) for before in ALIGNMENTS}
    if raw.isascii():
        text = raw.decode()
        found |= {form: text.encode(form) for form in ("utf-16-le", "utf-16-be")}
    return found


class Wanted:
    """What is looked for, by name."""

    def __init__(self, secrets: Mapping[str, bytes]) -> None:
        self._needles = {
            f"{name} as {form}": needle
            for name, raw in secrets.items()
            for form, needle in forms(raw).items()
        }

    def in_(self, places: Named) -> list[str]:
        """`where: what as what`."""
        return [
            f"{where}: {what}"
            for where, content in places
            for what, needle in self._needles.items()
            if needle in content
        ]


def files(*folders: Path, leave_out: str = " ") -> Iterator[tuple[str, bytes]]:
    """Every file below, as it lies on disk, but for long runs of zeros, which are most of a database."""
    for folder in folders:
        paths = [folder] if folder.is_file() else sorted(folder.rglob("*"))
        for path in paths:
            if path.is_file() and leave_out not in path.parts:
                yield f"{path.parent.name}/{path.name}", ZEROS.sub(b"\0", path.read_bytes())


def copies(conninfo: str) -> Iterator[tuple[str, bytes]]:
    """Every table as a dump has it, as text and in PostgreSQL's own form."""
    with psycopg.connect(conninfo, autocommit=True) as admin:
        for schema, table in tables(admin):
            for form in ("text", "binary"):
                statement = sql.SQL("copy {} to stdout (format {})").format(
                    sql.Identifier(schema, table), sql.SQL(form)
                )
                with admin.cursor().copy(statement) as copy:
                    yield f"{schema}.{table} {form}", b"".join(bytes(part) for part in copy)


def tables(admin: psycopg.Connection[tuple[str, str]]) -> list[tuple[str, str]]:
    """All that store anything, but PostgreSQL's own."""
    return admin.execute(
        "select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where c.relkind in ('r', 'p', 'm') and n.nspname <> 'information_schema'"
        " and n.nspname not like 'pg\\_%' order by 1, 2"
    ).fetchall()


def write_over_the_log(conninfo: str, cluster: Path) -> None:
    """What PostgreSQL does by itself in time, at once (docs/security.md): every segment is used again."""
    with psycopg.connect(conninfo, autocommit=True) as admin:
        for _ in range(1 + len(list((cluster / "pg_wal").iterdir()))):
            admin.execute("checkpoint")
            admin.execute("select pg_logical_emit_message(false, 'erasure', ''), pg_switch_wal()")
