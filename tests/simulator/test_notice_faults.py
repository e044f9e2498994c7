"""Notices that are lost, repeated, late, out of order or forged, by rule and seed."""

from collections import Counter
from hashlib import sha512
from time import monotonic, sleep

import pytest

from simulator.notice_faults import NoticeFaults

SERVER_KEY = "SB-Mid-server-test"
ORDERS = [f"told-{number}" for number in range(12)]
OVER = ("delivered", "failed", "lost")
BODY = {
    "order_id": "P-1",
    "status_code": "202",
    "gross_amount": "5000.00",
    "transaction_status": "cancel",
    "signature_key": sha512(b"P-12025000.00" + SERVER_KEY.encode()).hexdigest(),
}


def verifies(body):
    signed = body["order_id"] + body["status_code"] + body["gross_amount"] + SERVER_KEY
    return sha512(signed.encode()).hexdigest() == body["signature_key"]


def history(merchant, order_id):
    return merchant.get(f"/_control/notices?order_id={order_id}")["notices"]


def settled(merchant, order_id):
    """What became of all notices of this order, once nothing is on its way."""
    until = monotonic() + 5
    while monotonic() < until:
        listed = history(merchant, order_id)
        if listed and all(one["state"] in OVER for one in listed):
            return listed
        sleep(0.01)
    raise AssertionError(listed)


@pytest.fixture
def bent(merchant):
    """Sets the faults of notices, and takes them away at the end."""
    yield lambda **faults: merchant.control("notices/faults", **faults)
    merchant.heal("notices/faults")


def test_faults_of_notices_are_told_and_healed(merchant, bent):
    asked = {"seed": 7, "lost": 0.3, "repeat": [1, 10], "delay_seconds": [0, 5], "forged": 0.1}
    told = bent(**asked, fields_shuffled=True, wrong_signature=0.0)
    read = merchant.get("/_control/notices/faults")
    healed = merchant.heal("notices/faults")

    assert {name: told[name] for name in asked} == asked
    assert read == {name: value for name, value in told.items() if name != "http"}
    assert (healed["lost"], healed["repeat"], healed["fields_shuffled"]) == (0, [1, 1], False)


@pytest.mark.parametrize(
    "asked",
    [
        {"lost": 2},
        {"repeat": [0, 3]},
        {"repeat": 3},
        {"delay_seconds": [2, 1]},
        {"delay_seconds": [-1, 1]},
        {"mood": "bad"},
    ],
)
def test_what_makes_no_sense_is_refused(bent, asked):
    assert bent(**asked)["http"] == 400


def test_a_lost_notice_never_arrives_and_is_listed_as_lost(merchant, inbox, bent):
    bent(lost=1, repeat=[3, 3])
    lost = merchant.paid()["order_id"]
    merchant.heal("notices/faults")
    told = merchant.charge()["order_id"]
    inbox.wait(told, "pending")

    assert inbox.bodies(lost) == []
    assert [(one["state"], one["attempts"]) for one in history(merchant, lost)] == [
        ("lost", [])
    ] * 2


def test_a_repeated_notice_arrives_as_often_as_drawn(merchant, inbox, bent):
    bent(repeat=[4, 4])
    order_id = merchant.charge()["order_id"]

    inbox.wait(order_id, *["pending"] * 4)
    assert [one["kind"] for one in settled(merchant, order_id)] == ["true", *["repeat"] * 3]


def test_a_late_notice_is_listed_as_delayed_until_it_goes_out(merchant, inbox, bent):
    bent(delay_seconds=[600, 900])
    order_id = merchant.charge()["order_id"]
    (before,) = history(merchant, order_id)
    silent = inbox.bodies(order_id)
    merchant.control("clock", advance_seconds=901)
    inbox.wait(order_id, "pending")

    assert (before["state"], silent) == ("delayed", [])
    assert 600 <= before["delay_seconds"] <= 900
    assert settled(merchant, order_id)[0]["delay_seconds"] == before["delay_seconds"]


def test_delays_let_notices_overtake_each_other(merchant, inbox, bent):
    bent(seed=3, delay_seconds=[0, 0.3])
    orders = [merchant.paid()["order_id"] for _ in range(12)]
    for order_id in orders:
        inbox.wait(order_id, "pending", "settlement")

    arrived = Counter(tuple(inbox.statuses(order_id)) for order_id in orders)
    assert set(arrived) == {("pending", "settlement"), ("settlement", "pending")}


def test_a_forged_notice_verifies_and_lies_about_the_status(merchant, inbox, bent):
    order_id = merchant.charge()["order_id"]
    inbox.wait(order_id, "pending")
    bent(forged=1)
    merchant.post(f"/v2/{order_id}/cancel")
    sent = {one["kind"]: one["body"] for one in settled(merchant, order_id)[1:]}

    assert sent.keys() == {"true", "forged_status", "forged_fields"}
    assert all(verifies(body) for body in sent.values())
    assert sent["true"]["transaction_status"] == "cancel"
    assert sent["forged_status"] == sent["true"] | {"transaction_status": "settlement"}
    assert inbox.statuses(order_id).count("settlement") == 1


def test_shifted_fields_have_the_signature_of_the_true_ones():
    shifts = set()
    for nth in range(40):
        (_, _, shifted) = NoticeFaults(forged=1).sendings("P-1", nth, BODY)
        names = ("order_id", "status_code", "gross_amount")
        shifts.add(tuple(shifted.body[name] for name in names))
        assert verifies(shifted.body)

    assert shifts == {
        ("P-12", "02", "5000.00"),
        ("P-", "1202", "5000.00"),
        ("P-1", "2025", "000.00"),
        ("P-1", "20", "25000.00"),
    }


def test_a_wrong_signature_goes_beside_the_true_one(merchant, inbox, bent):
    bent(wrong_signature=1)
    order_id = merchant.charge()["order_id"]
    inbox.wait(order_id, "pending", "pending")

    assert {one["kind"]: verifies(one["body"]) for one in settled(merchant, order_id)} == {
        "true": True,
        "wrong_signature": False,
    }


def test_shuffled_fields_say_the_same(merchant, inbox, bent):
    plain = merchant.charge()["order_id"]
    bent(fields_shuffled=True)
    shuffled = merchant.charge()["order_id"]
    for order_id in (plain, shuffled):
        inbox.wait(order_id, "pending")

    (first,), (second,) = inbox.bodies(plain), inbox.bodies(shuffled)
    assert sorted(first) == sorted(second)
    assert list(first) != list(second)
    assert verifies(second)


def plan(merchant, orders):
    """What goes out for each order; ids and times differ from run to run."""
    merchant.control(
        "notices/faults",
        **{"seed": 7, "lost": 0.3, "repeat": [1, 3], "delay_seconds": [0, 0.05], "forged": 0.3},
        fields_shuffled=True,
        wrong_signature=0.2,
    )
    for order_id in orders:
        merchant.charge("gopay", order_id)
        merchant.control("pay", order_id=order_id)
    return {
        order_id: [
            (one["kind"], one["state"] == "lost", one["delay_seconds"], list(one["body"]))
            for one in settled(merchant, order_id)
        ]
        for order_id in ORDERS
    }


def test_the_same_notices_meet_the_same_faults_whatever_comes_first(begin):
    forwards, backwards = plan(begin(), ORDERS), plan(begin(), ORDERS[::-1])

    assert forwards == backwards
    kinds = Counter(kind for sent in forwards.values() for kind, *_ in sent)
    assert kinds.keys() == {"true", "repeat", "forged_status", "forged_fields", "wrong_signature"}
    assert kinds["true"] == 2 * len(ORDERS)
    assert 0 < sum(lost for sent in forwards.values() for _, lost, *_ in sent) < kinds["true"]
