"""Notices of charges that the gateway's own package made: where they go, what signs them. midtrans.md 1.5 and 10."""

import hashlib
import json
from collections.abc import Iterator

import pytest
from midtransclient import CoreApi, Snap

from support.customer import SERVER_KEY
from support.receiver import Receiver, receiver
from support.running import simulator
from support.sdk import (
    DENIED_CARD,
    Fields,
    Sandbox,
    bca_order,
    captured,
    card_order,
    core_api,
    new_id,
    pointed_at,
    refusal,
    settled,
    snap_api,
    token,
    told,
)


@pytest.fixture
def elsewhere() -> Iterator[Receiver]:
    with receiver() as listening:
        yield listening


@pytest.fixture
def further() -> Iterator[Receiver]:
    with receiver() as listening:
        yield listening


def signature(notice: Fields, server_key: str = SERVER_KEY) -> str:
    """10.3, of the strings exactly as they are in the body."""
    signed = notice["order_id"] + notice["status_code"] + notice["gross_amount"] + server_key
    return hashlib.sha512(signed.encode()).hexdigest()


# ── what is in them ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_notice_is_a_post_of_json_by_veritrans(core: CoreApi, dashboard: Receiver):
    """10.1."""
    order_id = core.charge(bca_order())["order_id"]
    dashboard.until(order_id, "pending")

    sent = next(one for one in dashboard.received if one.fields.get("order_id") == order_id)
    assert sent.method == "POST"
    assert sent.headers["User-Agent"] == "Veritrans"
    assert sent.headers["Accept"] == "application/json"
    assert sent.headers["Content-Type"].startswith("application/json")
    assert sent.headers["Authorization"] is None


def test_a_payment_is_told_from_its_charge_to_its_settlement(
    core: CoreApi, sandbox: Sandbox, dashboard: Receiver
):
    """10.4 and 10.5: each state with its own code, amounts as text."""
    order_id = settled(core, sandbox, bca_order())

    notices = dashboard.until(order_id, "pending", "settlement")

    assert {one["transaction_status"]: one["status_code"] for one in notices} == {
        "pending": "201",
        "settlement": "200",
    }
    for notice in notices:
        assert told(notice, "gross_amount", "currency", "payment_type", "status_message") == (
            "44145.00",
            "IDR",
            "bank_transfer",
            "midtrans payment notification",
        )
    paid = next(one for one in notices if one["transaction_status"] == "settlement")
    assert paid["settlement_time"] and paid["va_numbers"] and paid["payment_amounts"] == []


@pytest.mark.parametrize(("end", "answered"), [("cancel", "200"), ("expire", "407")])
def test_the_end_of_a_charge_is_told_with_another_code_than_it_is_answered_with(
    core: CoreApi, dashboard: Receiver, end: str, answered: str
):
    """6, cancel and expire; 10.4; 17, 2."""
    order_id = core.charge(bca_order())["order_id"]

    answer = getattr(core.transactions, end)(order_id)
    notice = dashboard.notice(order_id, end)

    assert (answer["status_code"], notice["status_code"]) == (answered, "202")


def test_a_denied_card_is_told_of(core: CoreApi, dashboard: Receiver):
    """10.4 and 10.5."""
    order_id = core.charge(card_order(token(core, DENIED_CARD)))["order_id"]

    notice = dashboard.notice(order_id, "deny")

    assert notice["status_code"] == "202"
    assert "approval_code" not in notice


def test_a_captured_card_is_told_of_with_what_its_bank_said(core: CoreApi, dashboard: Receiver):
    """10.5, credit_card."""
    order_id = captured(core)

    notice = dashboard.notice(order_id, "capture")

    assert told(notice, "status_code", "fraud_status", "masked_card", "channel_response_code") == (
        "200",
        "accept",
        "44111111-1118",
        "00",
    )
    assert notice["approval_code"] and notice["eci"]


def test_a_refund_is_told_twice_and_the_second_time_as_confirmed(
    core: CoreApi, sandbox: Sandbox, dashboard: Receiver
):
    """6, refund: two notifications; only the second has `bank_confirmed_at`."""
    order_id = settled(core, sandbox)
    core.transactions.refund(order_id, {"refund_key": new_id(), "amount": 5_000, "reason": "why"})

    def confirmed() -> list[bool]:
        told_of = [one for one in dashboard.about(order_id) if one.get("refunds")]
        return [bool(one["refunds"][0].get("bank_confirmed_at")) for one in told_of]

    dashboard.eventually(lambda: len(confirmed()) == 2)

    assert sorted(confirmed()) == [False, True]
    notice = dashboard.notice(order_id, "partial_refund")
    assert told(notice, "status_code", "refund_amount") == ("200", "5000.00")


def test_a_refused_refund_is_not_told_of(core: CoreApi, sandbox: Sandbox, dashboard: Receiver):
    """10.4: no notification for failed refunds. A later notice would have come after one of it."""
    order_id = settled(core, sandbox)
    dashboard.until(order_id, "settlement")
    refusal(core.transactions.refund, order_id, {"refund_key": new_id(), "amount": 12_001})
    core.transactions.refund(order_id, {"refund_key": new_id(), "amount": 12_000})

    dashboard.until(order_id, "refund")

    states = {one["transaction_status"] for one in dashboard.about(order_id)}
    assert states == {"pending", "settlement", "refund"}


# ── what signs them ───────────────────────────────────────────────────────────────────────────────────────────────


def test_each_notice_is_signed_for_its_own_code(
    core: CoreApi, sandbox: Sandbox, dashboard: Receiver
):
    """10.3; 17, 2: signatures follow each payload's own status code."""
    order_id = settled(core, sandbox)
    core.transactions.refund(order_id)

    notices = dashboard.until(order_id, "pending", "settlement", "refund")

    assert all(one["signature_key"] == signature(one) for one in notices)
    assert len({one["signature_key"] for one in notices}) == 2  # 201, and twice 200


def test_a_status_is_signed_as_a_notice_is(core: CoreApi, sandbox: Sandbox):
    """6, status: the fields of its notification, the signature among them."""
    found = core.transactions.status(settled(core, sandbox))

    assert found["signature_key"] == signature(found)


VECTORS = (
    (
        "ORDER-sandbox-0001",
        150_000,
        "settlement",
        "d65b4adf15335095fe1bfafe24964d48009dcc2989393e13570b0c9852ea60df"
        "0040b1a9646b9c9ef9433317f77acc8e387c59998dc20f5bd93fff93d23672e4",
    ),
    (
        "ORDER-sandbox-0002",
        75_000,
        "pending",
        "db70270f6c27da2b564d4fffd9df3eeae578a7afba22bf5e6071711c7914d7a3"
        "d22ccaa533e864cf53742ca73c9e63016b0cbc1f97ee253a77b24b7a410d876a",
    ),
    (
        "ORDER-sandbox-0003",
        50_000,
        "cancel",
        "a51d1bd2aa8b1dca9228f3827cd641b6dadf52ebb9ed40fb45db6a06dbb33de7"
        "cde8e80caa93dfb5e6beeaaf44f698dc7f6f56edd46556eddaa2a774ff7692c6",
    ),
)


def test_the_signatures_are_those_of_the_document(monkeypatch: pytest.MonkeyPatch):
    """10.3, test vectors: real notices of charges with just these ids, amounts, codes and key."""
    key = "SB-Mid-server-test"
    with simulator(server_key=key) as started:
        sandbox, core = pointed_at(started, monkeypatch), core_api(server_key=key)
        with receiver(sandbox.notify_port) as dashboard:
            for order_id, amount, _, _ in VECTORS:
                core.charge(bca_order(amount, order_id))
            sandbox.act("pay", order_id="ORDER-sandbox-0001")
            core.transactions.cancel("ORDER-sandbox-0003")

            signed = {
                (order_id, status): dashboard.notice(order_id, status)["signature_key"]
                for order_id, _, status, _ in VECTORS
            }

    assert signed == {(order_id, status): known for order_id, _, status, known in VECTORS}


# ── what the package makes of them ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", [dict, json.dumps], ids=["dict", "text"])
def test_a_notice_is_believed_by_asking_again(core: CoreApi, dashboard: Receiver, form):
    """18.3, notification(dict, str): by transaction id, 201, pending."""
    order_id = core.charge(bca_order())["order_id"]
    notice = dashboard.notice(order_id, "pending")

    found = core.transactions.notification(form(notice))

    assert told(found, "status_code", "transaction_status") == ("201", "pending")
    assert found["transaction_id"] == notice["transaction_id"]


def test_an_old_notice_leads_to_what_is_true_now(
    core: CoreApi, sandbox: Sandbox, dashboard: Receiver
):
    """10.1: order is not guaranteed; the package only takes the transaction id from a notice (18.1)."""
    order_id = settled(core, sandbox)
    dashboard.until(order_id, "settlement")
    old = dashboard.notice(order_id, "pending")

    assert core.transactions.notification(old)["transaction_status"] == "settlement"


def test_a_notice_is_read_again_in_spite_of_the_packages_mix_up(sandbox: Sandbox):
    """18.1: an instance with headers of its own sends them as a query."""
    core = core_api({"X-Payment-Locale": "en-EN"})
    made = core.charge(bca_order())

    found = core.transactions.notification({"transaction_id": made["transaction_id"]})

    assert found["order_id"] == made["order_id"]


def test_a_notice_of_nothing_leads_nowhere(core: CoreApi):
    """6 and 17, 26."""
    error = refusal(core.transactions.notification, {"transaction_id": new_id()})

    assert "404" in str(error)


# ── where they go ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_appended_addresses_are_told_besides_the_dashboards(
    sandbox: Sandbox, dashboard: Receiver, elsewhere: Receiver, further: Receiver
):
    """1.5, X-Append-Notification, with a comma between addresses."""
    core = core_api({"X-Append-Notification": f"{elsewhere.url}/a,{further.url}/b"})

    order_id = core.charge(bca_order())["order_id"]

    for place in (dashboard, elsewhere, further):
        assert place.until(order_id, "pending")
    assert (elsewhere.received[0].path, further.received[0].path) == ("/a", "/b")


def test_overriding_addresses_are_told_instead_of_the_dashboards(
    sandbox: Sandbox, dashboard: Receiver, elsewhere: Receiver, further: Receiver
):
    """1.5, X-Override-Notification; the dashboard is seen to listen by another order."""
    core = core_api({"X-Override-Notification": f"{elsewhere.url}/a, {further.url}/b"})

    order_id = core.charge(bca_order())["order_id"]
    other = core_api().charge(bca_order())["order_id"]

    assert elsewhere.until(order_id, "pending") and further.until(order_id, "pending")
    assert dashboard.until(other, "pending")
    assert dashboard.about(order_id) == []


def test_of_both_headers_the_overriding_one_wins(
    sandbox: Sandbox, dashboard: Receiver, elsewhere: Receiver, further: Receiver
):
    """1.5."""
    headers = {
        "X-Override-Notification": elsewhere.url,
        "X-Append-Notification": further.url,
    }

    order_id = core_api(headers).charge(bca_order())["order_id"]
    other = core_api().charge(bca_order())["order_id"]

    assert elsewhere.until(order_id, "pending")
    assert dashboard.until(other, "pending")
    assert dashboard.about(order_id) == further.about(order_id) == []


def test_addresses_of_a_charge_hold_for_all_that_follows(
    core: CoreApi, sandbox: Sandbox, dashboard: Receiver, elsewhere: Receiver
):
    """1.5: applies to every later notification of that transaction."""
    own = core_api({"X-Override-Notification": elsewhere.url})
    order_id = settled(own, sandbox)

    core.transactions.refund(order_id)

    assert elsewhere.until(order_id, "pending", "settlement", "refund")
    assert dashboard.about(order_id) == []


def test_addresses_of_a_session_hold_for_its_payment(
    snap: Snap, sandbox: Sandbox, dashboard: Receiver, elsewhere: Receiver
):
    """1.5: sent on the Snap create request."""
    body = {"transaction_details": {"order_id": new_id("snap"), "gross_amount": 10_000}}
    own = snap_api({"X-Append-Notification": elsewhere.url})

    sandbox.act("pay", snap_token=own.create_transaction_token(body))

    order_id = body["transaction_details"]["order_id"]
    for place in (dashboard, elsewhere):
        place.eventually(lambda place=place: bool(place.about(str(order_id))))
        assert place.about(str(order_id))[-1]["gross_amount"] == "10000.00"


def test_addresses_are_not_kept_for_the_next_charge(
    core: CoreApi, dashboard: Receiver, elsewhere: Receiver
):
    """17, 30: they have to be repeated on every create call."""
    core_api({"X-Append-Notification": elsewhere.url}).charge(bca_order())

    order_id = core.charge(bca_order())["order_id"]

    assert dashboard.until(order_id, "pending")
    assert elsewhere.about(order_id) == []
