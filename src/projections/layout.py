"""The live side as this version wants it: tables of read models, and the views that stand on them."""

from ledger.eventstore.migrate import LogNames
from projections import GROUPS, reporting
from projections.engine import connections, rebuild


def lay_out(conninfo: str, schema: str) -> None:
    """What is missing is made; safe at every start and from several processes. The log must have been
    migrated.
    """
    names = LogNames(schema)
    with connections.connect(conninfo, schema) as connection:
        rebuild.create(connection, conninfo, schema, names.read_schema, GROUPS)
        with connection.transaction(), connection.cursor() as cursor:
            reporting.keep(cursor, names)
