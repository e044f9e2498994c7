"""The book in a file: it is there when the simulator was killed, and it only grows."""

import json
import subprocess
import sys
from contextlib import contextmanager
from urllib.request import Request, urlopen

from simulator.clock import Clock
from simulator.facts import FactFile


@contextmanager
def killed_at_the_end(port, path):
    command = [sys.executable, "-m", "simulator", "--port", str(port), "--book", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        yield
        process.kill()


def facts(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def charge(port, order_id):
    details = {"order_id": order_id, "gross_amount": 9_000}
    body = json.dumps({"payment_type": "gopay", "transaction_details": details}).encode()
    key = "Basic U0ItTWlkLXNlcnZlci1idWt1YmVzYXI6"  # the default server key
    urlopen(Request(f"http://127.0.0.1:{port}/v2/charge", body, {"Authorization": key})).close()


def pay(port, order_id):
    asked = json.dumps({"order_id": order_id}).encode()
    urlopen(Request(f"http://127.0.0.1:{port}/_control/pay", asked)).close()


def test_a_killed_simulator_leaves_its_truth_and_the_next_one_adds_to_it(tmp_path, unused_port):
    path = tmp_path / "book.jsonl"
    with killed_at_the_end(unused_port, path):
        charge(unused_port, "first")
        pay(unused_port, "first")
    left = path.read_bytes()
    with killed_at_the_end(unused_port, path):
        charge(unused_port, "second")

    assert path.read_bytes().startswith(left)
    assert [(one["fact"], one.get("order_id"), one.get("status")) for one in facts(path)] == [
        ("start", None, None),
        ("charge", "first", "pending"),
        ("status", "first", "settlement"),
        ("start", None, None),
        ("charge", "second", "pending"),
    ]
    assert [one["request"] for one in facts(path) if one["fact"] != "start"] == [1, None, 1]


def test_refunds_are_written_down_with_what_became_of_them(tmp_path, begin):
    path = tmp_path / "book.jsonl"
    merchant = begin(book=str(path))
    order_id = merchant.paid()["order_id"]
    refund = {"refund_key": "a", "amount": 10_000}
    merchant.post(f"/v2/{order_id}/refund", refund)
    merchant.control("confirm-refund", refund_key="a")
    merchant.control("faults", fault="refund_denied_later", seconds=60)
    merchant.post(f"/v2/{order_id}/refund", refund | {"refund_key": "b"})
    merchant.control("clock", advance_seconds=61)

    written = [
        (one["refund_key"], one["amount"], one["status"])
        for one in facts(path)
        if one["fact"] == "refund"
    ]
    assert written == [
        ("a", 10_000, "accepted"),
        ("a", 10_000, "confirmed"),
        ("b", 10_000, "accepted"),
        ("b", 10_000, "denied"),
    ]
    assert facts(path)[-1]["status"] == "partial_refund"


def test_a_line_cut_short_is_ended_before_the_next(tmp_path):
    path = tmp_path / "book.jsonl"
    path.write_bytes(b'{"fact":"charge"}\n{"fact":"cha')
    FactFile(path, Clock().now()).close()

    kept, cut, begun = path.read_text().splitlines()
    assert (kept, cut) == ('{"fact":"charge"}', '{"fact":"cha')
    assert json.loads(begun)["fact"] == "start"
