"""Crash points: places in money code at which a test can kill the process, to prove that any of them is safe.

BUKUBESAR_CRASH_AT="charge.after_send#2" kills it, as kill -9 does, the second time it comes past that point. Without
the variable a crash point does nothing.
"""

import os
import signal
from typing import Final, Literal, NamedTuple

VARIABLE: Final = "BUKUBESAR_CRASH_AT"


class Point(NamedTuple):
    name: str
    process: Literal["api", "worker"]  # which of them comes past it in ordinary work
    so_far: str  # what has happened by then


POINTS: Final = (
    Point("request.before_append", "api", "a payment was asked for, and nothing is stored"),
    Point("request.after_append", "api", "it is stored, and the right to send is won"),
    Point("charge.before_dispatch", "worker", "a charge waits to be sent again"),
    Point("charge.after_dispatch", "worker", "the right to send again is won"),
    Point("charge.before_send", "api", "the order is made, and not a byte has left"),
    Point("charge.after_send", "api", "the gateway has answered, and nobody has noted it"),
    Point("charge.after_record", "api", "what it answered is noted"),
    Point("inquiry.before_ask", "worker", "somebody is about to ask after an order"),
    Point("inquiry.after_ask", "worker", "the gateway has told, and nobody has noted it"),
    Point("inquiry.after_record", "worker", "it is noted, and what follows from it is not done"),
    Point("capture.before_request", "api", "a capture was asked for, and nothing is stored"),
    Point("capture.before_send", "api", "the capture is stored, and not sent"),
    Point("capture.after_send", "api", "it is sent, and nobody has noted the answer"),
    Point("cancel.before_request", "api", "a cancel was asked for, and nothing is stored"),
    Point("cancel.before_send", "api", "the cancel is stored, and not sent"),
    Point("cancel.after_send", "api", "it is sent, and nobody has noted the answer"),
    Point("refund.before_request", "api", "a refund was asked for, and nothing is stored"),
    Point("refund.before_dispatch", "api", "the refund is stored, and nobody may send it yet"),
    Point("refund.after_dispatch", "api", "the right to send it is won"),
    Point("refund.after_send", "api", "it is sent, and nobody has noted the answer"),
    Point("subscription.before_ask", "api", "a change was asked for, and nothing is stored"),
    Point("subscription.after_ask", "api", "it is stored, and charged where it had to be"),
    Point("subscription.after_append", "api", "the bill and the right to charge it are stored"),
    Point("renewal.before_append", "worker", "a period is to be opened, and nothing is stored"),
    Point("renewal.after_append", "worker", "it is stored and charged, and what else is due waits"),
    Point("earning.before_append", "worker", "a day of revenue is over, and nothing is stored"),
    Point("earning.after_append", "worker", "it is earned, and nobody knows when to look again"),
    Point("append.before_commit", "api", "facts are decided, and not with PostgreSQL"),
    Point("append.after_commit", "api", "facts are durable, and nobody has been told"),
    Point("answer.before_work", "api", "the key was looked up, and nothing is done"),
    Point("answer.before_keep", "api", "all is done, and the answer not kept"),
    Point("answer.after_keep", "api", "the answer is kept, and not given"),
    Point("notice.before_store", "api", "a notice is checked, and not stored"),
    Point("notice.after_store", "api", "it is stored, and the gateway not told so"),
    Point("notice.after_claim", "worker", "this worker has the notice for the time of a lease"),
    Point("notice.before_done", "worker", "it was asked after, and is open still"),
    Point("notice.after_done", "worker", "the notice is done with"),
    Point("work.before_claim", "worker", "there is due work, and nobody has it"),
    Point("work.after_claim", "worker", "this worker has it for the time of a lease"),
    Point("work.after_act", "worker", "it is done, and nobody knows when to look again"),
    Point("work.before_write_down", "worker", "when to look again is only in memory"),
    Point("work.after_write_down", "worker", "when to look again is stored"),
    Point("follow.before_commit", "worker", "rows and position are written, and not committed"),
    Point("follow.after_commit", "worker", "they are committed, and the process knows it not"),
)

_name, _, _pass = os.environ.get(VARIABLE, "").partition("#")
_left = int(_pass or 1)


def crashpoint(name: str) -> None:
    if name == _name:
        _come_past()


def _come_past() -> None:
    global _left  # noqa: PLW0603  a process passes its point a number of times
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
