"""One connection in libpq's pipeline mode, driven by the event loop: no thread, no wait, several
statements under way.

Every statement is a transaction of its own. psycopg's connection opens and describes it; after that
the line is its only user.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import psycopg
from psycopg import pq

REFUSED_CLASSES: Final = (
    "22",
    "23",
    "42",
    "P0",
)  # data, constraint, rights and syntax, PL/pgSQL; all else may pass

Result = pq.abc.PGresult


class ConnectionLost(Exception):
    """The reply did not come; what was sent may or may not have been committed."""


class StatementRefused(Exception):
    """The server is well and says that these parameters may not stand; nothing was committed."""


class Line:
    """`answered` gets each statement's result, in the order of sending; `lost` is called once, when
    nothing more will come.
    """

    def __init__(
        self,
        conn: psycopg.AsyncConnection[Any],
        answered: Callable[[Result], None],
        lost: Callable[[Exception], None],
    ) -> None:
        self._conn = conn  # kept alive for its socket
        self._pgconn = conn.pgconn
        self._loop = asyncio.get_running_loop()
        self._socket = conn.fileno()
        self._answered, self._lost = answered, lost
        self._result: Result | None = None
        self._is_closed = False
        self._pgconn.nonblocking = 1
        self._pgconn.enter_pipeline_mode()
        self._loop.add_reader(self._socket, self._read)

    def prepare(self, name: bytes, query: bytes, types: Sequence[int]) -> None:
        self._pgconn.send_prepare(name, query, types)
        self._sync()

    def call(self, name: bytes, parameters: Sequence[bytes]) -> None:
        """Send a prepared statement with binary parameters; its result comes in binary too."""
        self._pgconn.send_query_prepared(name, parameters, [1] * len(parameters), 1)
        self._sync()

    def close(self) -> None:
        """Without a farewell: a frozen server must not hold us."""
        self._is_closed = True
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._pgconn.finish()

    def _sync(self) -> None:
        self._pgconn.pipeline_sync()
        if self._pgconn.flush():
            self._loop.add_writer(self._socket, self._write)

    def _write(self) -> None:
        try:
            if not self._pgconn.flush():
                self._loop.remove_writer(self._socket)
        except psycopg.Error as error:
            self._lost(error)

    def _read(self) -> None:
        try:
            self._pgconn.consume_input()
            for result in self._results():
                if self._is_closed:  # by what became of an earlier one: the rest is sent again
                    break
                self._answered(result)
        except (psycopg.Error, ConnectionLost) as error:
            self._lost(error)

    def _results(self) -> list[Result]:
        """What has come in whole. After a statement's result libpq gives None, then the sync."""
        whole: list[Result] = []
        while not self._pgconn.is_busy():
            result = self._pgconn.get_result()
            if result is None:
                if self._result is None:
                    break
            elif result.status != pq.ExecStatus.PIPELINE_SYNC:
                self._result = result
            elif self._result is not None:
                whole.append(self._result)
                self._result = None
        return whole


def check(result: Result) -> None:
    """Raises StatementRefused, or ConnectionLost when sending it again may help."""
    if result.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
        return
    state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
    words = result.error_message.decode(errors="replace").strip()
    raise (StatementRefused if state[:2] in REFUSED_CLASSES else ConnectionLost)(words)
