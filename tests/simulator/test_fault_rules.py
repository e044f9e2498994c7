"""Faults by rule and seed: the same traffic meets the same faults, in whatever order it arrives."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx2
import pytest

from simulator.draws import fraction
from simulator.fault_rules import Faults, Match, Rule
from simulator.sight import Sight, id_of, kind_of

ORDERS = [f"drawn-{number}" for number in range(40)]
RULES = [
    {"fault": "error_500_without_doing", "share": 0.2, "match": {"path_contains": "/charge"}},
    {"fault": "do_then_500", "share": 0.2, "match": {"path_contains": "/charge"}},
    {"fault": "reset_before", "share": 0.3, "match": {"path_contains": "/status"}},
    {"fault": "do_late", "share": 0.1, "seconds": 0.001},
]


def ask(merchant, order_id):
    """A charge, and three questions after it."""
    for request in (("POST", "/v2/charge"), *[("GET", f"/v2/{order_id}/status")] * 3):
        body = merchant.body(order_id=order_id) if request[0] == "POST" else None
        with suppress(httpx2.TransportError):
            merchant.http.request(*request, json=body)


def met(merchant, orders, workers):
    """The faults that each order met, in order."""
    merchant.control("faults", seed=7, rules=RULES)
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda order_id: ask(merchant, order_id), orders))
    requests = merchant.book()["requests"]
    return {
        order_id: [(one["method"], one["fault"]) for one in requests if one["order_id"] == order_id]
        for order_id in ORDERS
    }


def test_the_order_of_arrival_does_not_matter(begin):
    forwards = met(begin(), ORDERS, workers=1)
    backwards = met(begin(), ORDERS[::-1], workers=6)

    assert forwards == backwards
    faults = Counter(fault for faults in forwards.values() for _, fault in faults)
    assert faults.keys() == {None, *(rule["fault"] for rule in RULES)}


def test_another_seed_meets_other_requests(merchant):
    def draw(seed):
        faults = Faults()
        faults.set_rules(seed, [Rule.read({"fault": "hang", "share": 0.5})])
        return [faults.strike(sight(order_id)) is None for order_id in ORDERS]

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)


def test_what_strikes_is_listed_and_counted(merchant):
    merchant.control(
        "faults",
        seed=1,
        rules=[{"fault": "refuse_503", "share": 1, "match": {"order_id_prefix": "counted"}}],
    )
    struck = [merchant.http.get(f"/v2/counted-{n}/status").status_code for n in range(3)]
    spared = merchant.http.get("/v2/other-1/status").status_code
    listed = merchant.get("/_control/faults")
    healed = merchant.heal()

    assert (struck, spared) == ([503] * 3, 200)
    assert listed["seed"] == 1
    assert listed["rules"] == [
        {
            "fault": "refuse_503",
            "share": 1.0,
            "match": {"path_contains": "", "order_id_prefix": "counted"},
            "seconds": 30.0,
            "struck": 3,
        }
    ]
    assert healed["rules"] == []
    assert healed["struck"]["refuse_503"] == 3
    assert merchant.http.get("/v2/counted-9/status").status_code == 200


def test_healing_ends_an_outage_too(merchant):
    merchant.control("outage", on=True)
    refused = merchant.http.get("/v2/any/status").status_code
    merchant.heal()

    assert (refused, merchant.http.get("/v2/any/status").status_code) == (503, 200)


def test_a_trap_goes_before_the_rules_and_a_request_meets_one_fault(merchant):
    merchant.control("faults", seed=1, rules=[{"fault": "refuse_503", "share": 1}])
    merchant.control("faults", fault="html_502", match={"order_id_prefix": "trapped"})
    heard = [merchant.http.get("/v2/trapped/status").status_code for _ in range(2)]
    struck = merchant.heal()["struck"]

    assert heard == [502, 503]
    assert struck["html_502"] == 1


def test_browsers_are_spared_by_rules(merchant):
    merchant.control("faults", seed=1, rules=[{"fault": "refuse_503", "share": 1}])
    token = merchant.card_token("4811111111111114")
    merchant.heal()

    assert token["status_code"] == "200"


@pytest.mark.parametrize(
    "asked",
    [
        {"rules": [{"fault": "tantrum", "share": 0.1}]},
        {"rules": [{"fault": "hang"}]},
        {"rules": [{"fault": "hang", "share": 1.5}]},
        {"rules": [{"fault": "hang", "share": 0.5, "match": {"order": "x"}}]},
        {"fault": "hang", "match": {"path": "/status"}},
    ],
)
def test_what_makes_no_sense_is_refused(merchant, asked):
    assert merchant.control("faults", **asked)["http"] == 400
    assert merchant.get("/_control/faults")["rules"] == []


def sight(order_id, method="GET", kind="status", nth=1):
    return Sight(method, f"/v2/{order_id}/{kind}", kind, order_id, nth, {})


def test_a_share_is_a_share_of_the_requests_that_fit():
    faults = Faults()
    charges = Match(path_contains="/charge")
    shares = {"do_then_500": 0.1, "hang": 0.25, "refuse_503": 0.4}
    rules = [Rule(fault, share, charges, 1) for fault, share in shares.items()]
    faults.set_rules(7, [Rule("refund_denied", 1, Match(), 1), *rules])
    met = Counter(
        struck.fault if (struck := faults.strike(sight(f"o-{n}", "POST", "charge"))) else "none"
        for n in range(10_000)
    )

    assert met == {rule.fault: rule.struck for rule in rules} | {"none": met["none"]}
    assert all(abs(met[fault] / 10_000 - share) < 0.02 for fault, share in shares.items())


def test_draws_do_not_mix_up_the_facts_they_are_made_of():
    assert fraction(1, "a", "bc") != fraction(1, "ab", "c")
    assert fraction(1, "a") != fraction("1", "a")
    assert 0 <= min(fraction(n) for n in range(1000)) < 0.01
    assert 0.99 < max(fraction(n) for n in range(1000)) < 1


@pytest.mark.parametrize(
    ("path", "body", "kind", "named"),
    [
        ("/v2/charge", {"transaction_details": {"order_id": "o-1"}}, "charge", "o-1"),
        ("/v2/capture", {"transaction_id": "t-1"}, "capture", "t-1"),
        ("/v2/o-1/status", {}, "status", "o-1"),
        ("/v2/nodigits/status/b2b", {}, "status/b2b", "nodigits"),
        ("/v2/o-1/refund/online/direct", {}, "refund/online/direct", "o-1"),
        ("/v2/charge", [], "charge", ""),
        (
            "/snap/v1/transactions",
            {"transaction_details": {"order_id": "o-1"}},
            "snap/transactions",
            "o-1",
        ),
        ("/snap/v1/transactions/1f/cancel", {}, "snap/transactions/cancel", "1f"),
        ("/v1/subscriptions", {"name": "sub-1"}, "subscriptions", "sub-1"),
        ("/v1/subscriptions/9a/disable", {}, "subscriptions/disable", "9a"),
        ("/v2/token", {}, "token", ""),
    ],
)
def test_a_request_is_known_by_kind_and_order(path, body, kind, named):
    assert kind_of(path) == kind
    assert id_of(path, body if isinstance(body, dict) else {}) == named
