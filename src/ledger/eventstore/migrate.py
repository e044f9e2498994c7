"""Brings a database to the schema this version needs: roles, schemas, and numbered SQL files, each
applied once.

A file that was applied may not change afterwards (its SHA-256 is kept); a new file is added
instead. Safe to run from several processes at once, and again at every start.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from ledger.errors import Conflict

HERE: Final = Path(__file__).parent
CONNECT_SECONDS: Final = 10
ROLES: Final = ("owner", "app", "projector", "auditor", "reporting")
# On the database itself: a replay fills temporary tables, and needs no other right to write.
RIGHTS: Final = {"create": "projector", "temporary": "auditor"}
READ_ONLY: Final = "alter role {} set default_transaction_read_only = on;"
FILES: Final = tuple(
    HERE / f"{name}.sql" for name in ("schema", "key_ring", "snapshots", "seals", "key_ring_sweep")
)


class SchemaChanged(Conflict):
    code = "schema_changed"
    title = "A migration that was applied to this database has been edited since."


@dataclass(frozen=True)
class LogNames:
    """What is named after the schema of a log: one log is one schema, and nothing assumes that
    there is only one.
    """

    schema: str

    @property
    def read_schema(self) -> str:
        return f"{self.schema}_read"

    @property
    def reporting_schema(self) -> str:
        return f"{self.schema}_reporting"

    @property
    def channel(self) -> str:
        return f"{self.schema}_log"

    @property
    def roles(self) -> dict[str, str]:
        return {role: f"{self.schema}_{role}" for role in ROLES}

    @property
    def lock(self) -> int:
        """The advisory lock under which events get their positions; a bigint made from the schema's
        name.
        """
        digest = hashlib.sha256(f"bukubesar append {self.schema}".encode()).digest()
        return int.from_bytes(digest[:8], signed=True)


def migrate(conninfo: str, schema: str, files: Sequence[Path] = FILES) -> list[str]:
    """Apply what is missing; returns the names of the files applied now. Needs the right to create
    roles.
    """
    names = LogNames(schema)
    with psycopg.connect(conninfo, connect_timeout=CONNECT_SECONDS) as conn:
        conn.execute("select pg_advisory_xact_lock(%s)", [names.lock ^ 1])
        _create_roles_and_schemas(conn, names)
        conn.execute(sql.SQL("set local search_path = {}").format(sql.Identifier(schema)))
        conn.execute(
            "create table if not exists migrations (name text primary key, sha256 text not null,"
            " applied_at timestamptz not null default now())"
        )
        done: dict[str, str] = dict(conn.execute("select name, sha256 from migrations").fetchall())
        return [path.name for path in files if _apply(conn, path, names, done)]


def _apply(
    conn: psycopg.Connection[Any], path: Path, names: LogNames, done: dict[str, str]
) -> bool:
    text = path.read_text(encoding="utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()
    if path.name in done:
        if done[path.name] != digest:
            raise SchemaChanged(f"{path.name} differs from what was applied.", file=path.name)
        return False
    words = {"schema": names.schema, "lock": str(names.lock), **names.roles}
    for word, value in words.items():
        text = text.replace("{" + word + "}", value)
    conn.execute(text.encode())
    conn.execute("insert into migrations (name, sha256) values (%s, %s)", [path.name, digest])
    return True


def _create_roles_and_schemas(conn: psycopg.Connection[Any], names: LogNames) -> None:
    # Roles belong to the cluster, not to the database, so two databases may race to create one.
    for role, name in names.roles.items():
        conn.execute(
            sql.SQL(
                "do $$ begin create role {role} nologin; {more}"
                " exception when duplicate_object or unique_violation then null; end $$"
            ).format(
                role=sql.Identifier(name),
                more=sql.SQL(READ_ONLY).format(sql.Identifier(name))
                if role == "reporting"
                else sql.SQL(""),
            )
        )
    log, read = sql.Identifier(names.schema), sql.Identifier(names.read_schema)
    views = sql.Identifier(names.reporting_schema)
    roles = {role: sql.Identifier(name) for role, name in names.roles.items()}
    everyone = sql.SQL(", ").join([roles["app"], roles["projector"], roles["auditor"]])
    for statement in (
        sql.SQL("create schema if not exists {log}"),
        sql.SQL("create schema if not exists {read}"),
        sql.SQL("alter schema {read} owner to {projector}"),
        sql.SQL("grant usage, create on schema {log} to {owner}"),
        sql.SQL("grant usage on schema {log} to {everyone}"),
        sql.SQL("grant usage on schema {read} to {app}, {auditor}"),
        sql.SQL(
            "alter default privileges for role {projector} in schema {read} grant select on tables to {app}, {auditor}"
        ),
        sql.SQL("create schema if not exists {views}"),
        sql.SQL("alter schema {views} owner to {projector}"),
        sql.SQL("grant usage on schema {views} to {reporting}"),
        sql.SQL(
            "alter default privileges for role {projector} in schema {views} grant select on tables to {reporting}"
        ),
        sql.SQL("grant {app}, {projector}, {auditor}, {reporting} to current_user"),
    ):
        places = {"log": log, "read": read, "views": views}
        conn.execute(statement.format(everyone=everyone, **places, **roles))
    grant_rights(conn, names, conn.info.dbname)


def grant_rights(conn: psycopg.Connection[Any], names: LogNames, database: str) -> None:
    """Those on a database itself, which a copy of it is without."""
    for right, role in RIGHTS.items():
        grant = sql.SQL("grant {right} on database {database} to {role}").format(
            right=sql.SQL(right),
            database=sql.Identifier(database),
            role=sql.Identifier(names.roles[role]),
        )
        conn.execute(grant)
