"""A small HTTP server in a thread of its own: it writes down what it is sent, and answers as it was told to."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

LOOPBACK = "127.0.0.1"
ARRIVES_WITHIN_SECONDS = 20.0


@dataclass(frozen=True)
class Received:
    method: str
    path: str  # with its query
    headers: Message
    body: bytes

    @property
    def fields(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


class Receiver:
    def __init__(self, url: str) -> None:
        self.url = url
        self.received: list[Received] = []
        self.status, self.content_type, self.answer = 200, "application/json", b"{}"

    def answers(self, status: int, content_type: str, answer: bytes) -> None:
        self.status, self.content_type, self.answer = status, content_type, answer

    def about(self, order_id: str) -> list[dict[str, Any]]:
        """The notices of one order, in the order they came in."""
        posted = [one.fields for one in list(self.received) if one.method == "POST"]
        return [fields for fields in posted if fields.get("order_id") == order_id]

    def until(self, order_id: str, *statuses: str) -> list[dict[str, Any]]:
        """The notices of one order, once there is one of each of these transaction statuses."""
        wanted = set(statuses)
        self.eventually(
            lambda: wanted <= {one["transaction_status"] for one in self.about(order_id)}
        )
        return self.about(order_id)

    def notice(self, order_id: str, status: str) -> dict[str, Any]:
        """The one that tells of this transaction status, whatever else came before or after it."""
        arrived = self.until(order_id, status)
        return next(one for one in arrived if one["transaction_status"] == status)

    def eventually(self, arrived: Callable[[], bool]) -> None:
        give_up_at = time.monotonic() + ARRIVES_WITHIN_SECONDS
        while not arrived():
            assert time.monotonic() < give_up_at, [one.body for one in self.received]
            time.sleep(0.02)


@contextmanager
def receiver(port: int = 0) -> Iterator[Receiver]:
    """On a free port unless one is given."""
    server = ThreadingHTTPServer((LOOPBACK, port), BaseHTTPRequestHandler)
    server.daemon_threads = True
    told = Receiver(f"http://{LOOPBACK}:{server.server_port}")
    server.RequestHandlerClass = _handler(told)
    serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    serving.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


def _handler(told: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            told.received.append(Received(self.command, self.path, self.headers, body))
            self.send_response(told.status)
            self.send_header("Content-Type", told.content_type)
            self.send_header("Content-Length", str(len(told.answer)))
            self.end_headers()
            self.wfile.write(told.answer)

        do_GET = do_POST = do_PATCH = _take  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: pytest's output is for tests."""

    return Handler
