"""`bukubesar up` is up once the API answers, and also when money has halted: the rest has to work."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from api import up
from api.up import NotUp

STARTING: dict[str, object] = {"type": "/problems/not_ready", "behind": 60_000}
HALTED: dict[str, object] = {"type": "/problems/not_ready", "group": "money", "haltedAt": 7}


@contextmanager
def not_ready(problem: dict[str, object]) -> Iterator[str]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503)
            self.end_headers()
            self.wfile.write(json.dumps(problem, separators=(",", ":")).encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/ready"
        server.shutdown()


def test_it_comes_up_though_money_has_halted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "READY_WITHIN_SECONDS", 5.0)
    with not_ready(HALTED) as url:
        up._wait_until_answers(url)


def test_it_does_not_come_up_before_the_read_models_are_near(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(up, "READY_WITHIN_SECONDS", 0.3)
    with not_ready(STARTING) as url, pytest.raises(NotUp):
        up._wait_until_answers(url)
