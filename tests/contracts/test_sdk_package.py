"""The gateway's own package by itself: what it sends, and what it makes of answers. midtrans.md 18.1 and the first
paragraph of 18.3; nothing here is a payment, but every later file relies on it.
"""

import base64
import inspect
from collections.abc import Iterator

import midtransclient
import midtransclient.transactions
import pytest
import requests
from midtransclient import CoreApi, MidtransAPIError, Snap
from midtransclient.config import ApiConfig
from midtransclient.http_client import HttpClient
from midtransclient.transactions import Transactions

from support.receiver import Receiver, receiver
from support.sdk import Sandbox, bca_order, core_api, refusal, snap_api

NOWHERE = "http://127.0.0.1:9"

CALLS = {
    CoreApi: {
        *("charge", "capture", "card_token", "card_register", "card_point_inquiry"),
        *("create_subscription", "get_subscription", "update_subscription"),
        *("disable_subscription", "enable_subscription"),
        *("link_payment_account", "get_payment_account", "unlink_payment_account"),
    },
    Snap: {
        *("create_transaction", "create_transaction_token", "create_transaction_redirect_url"),
    },
    Transactions: {
        *("status", "statusb2b", "approve", "deny", "cancel", "expire", "refund", "refundDirect"),
        "notification",
    },
}


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A server that is no Midtrans at all, where the package believes Midtrans to be."""
    with receiver() as listening:
        monkeypatch.setattr(ApiConfig, "CORE_SANDBOX_BASE_URL", listening.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield listening


@pytest.mark.parametrize("kind", CALLS, ids=lambda kind: kind.__name__)
def test_there_is_no_call_in_the_package_that_these_files_do_not_drive(kind: type):
    """18.3, class and method presence: a later release with a new call has to be met with tests of it."""
    found = {name for name, _ in inspect.getmembers(kind, inspect.isfunction)}

    assert {name for name in found if not name.startswith("_")} == CALLS[kind]


def test_the_module_offers_its_clients_and_its_two_errors():
    """18.3, module presence; this is the release that the document describes."""
    assert midtransclient.__version__ == "1.4.2"
    assert issubclass(midtransclient.MidtransAPIError, Exception)
    assert issubclass(midtransclient.JSONDecodeError, Exception)


def test_a_configuration_holds_what_it_was_made_with():
    """18.3, test_config."""
    made = ApiConfig(True, "a server key", "a client key", {"a": "header"}, {"http": "a proxy"})

    assert (made.is_production, made.server_key, made.client_key) == (
        True,
        "a server key",
        "a client key",
    )
    assert (made.custom_headers, made.proxies) == ({"a": "header"}, {"http": "a proxy"})


def test_one_setting_can_be_changed_without_the_others():
    """18.1, config: `set` leaves alone what it is not given."""
    made = ApiConfig(False, "before", "client")

    made.set(server_key="after")

    assert (made.is_production, made.server_key, made.client_key) == (False, "after", "client")


@pytest.mark.parametrize(
    ("production", "core_host", "snap_host"),
    [
        (False, "https://api.sandbox.midtrans.com", "https://app.sandbox.midtrans.com/snap/v1"),
        (True, "https://api.midtrans.com", "https://app.midtrans.com/snap/v1"),
    ],
)
def test_untouched_the_package_speaks_to_the_addresses_of_the_document(
    production: bool, core_host: str, snap_host: str
):
    """1.1."""
    made = ApiConfig(is_production=production)

    assert made.get_core_api_base_url() == core_host
    assert made.get_snap_base_url() == snap_host


def test_who_asks_and_how_is_in_the_headers(elsewhere: Receiver):
    """1.2, with its check value, and 18.1: default headers, over which the instance's own are merged."""
    core = core_api({"X-Extra": "more", "accept": "text/plain"}, "SB-Mid-server-abc123cde456")

    core.charge(bca_order())

    (sent,) = elsewhere.received
    assert sent.headers["Authorization"] == "Basic U0ItTWlkLXNlcnZlci1hYmMxMjNjZGU0NTY6"
    assert sent.headers["Content-Type"] == "application/json"
    assert sent.headers["User-Agent"] == "midtransclient-python/1.4.2"
    assert (sent.headers["X-Extra"], sent.headers["Accept"]) == ("more", "text/plain")


def test_card_data_travels_in_the_query_and_still_with_the_server_key(elsewhere: Receiver):
    """18.1: the query has `+` for spaces, and HTTP Basic is sent where a browser would send none."""
    core_api(server_key="k").card_token({"card_number": "4811 1111"})

    (sent,) = elsewhere.received
    assert (sent.method, sent.path) == ("GET", "/v2/token?card_number=4811+1111")
    assert sent.headers["Authorization"] == "Basic " + base64.b64encode(b"k:").decode()


@pytest.mark.parametrize(
    ("call", "body"),
    [
        (lambda core: core.charge(None), b"null"),
        (lambda core: core.transactions.cancel("o"), b"{}"),
        (lambda core: core.transactions.refund("o"), b"{}"),
        (lambda core: core.charge('{"a": 1}'), b'{"a": 1}'),
    ],
    ids=["nothing", "an action", "a refund of all", "text that is JSON"],
)
def test_a_body_is_json_whatever_it_was_given_as(elsewhere: Receiver, call, body: bytes):
    """18.1, bodies."""
    call(core_api())

    assert elsewhere.received[0].body == body


def test_an_id_goes_into_the_address_as_it_is(elsewhere: Receiver):
    """18.1, URLs: why section 14 tells to stay inside the documented characters."""
    core_api().transactions.status("ord 1#2")

    assert elsewhere.received[0].path == "/v2/ord%201"


@pytest.mark.parametrize("given", ["", "{", "not JSON"])
def test_text_that_is_no_json_is_refused_before_anything_is_sent(elsewhere: Receiver, given: str):
    """18.1, string parameters."""
    with pytest.raises(midtransclient.JSONDecodeError):
        core_api().charge(given)

    assert elsewhere.received == []


def test_a_notice_that_is_no_json_raises_an_error_of_another_class(elsewhere: Receiver):
    """18.1 and 18.3: `notification('')`."""
    with pytest.raises(midtransclient.transactions.JSONDecodeError):
        core_api().transactions.notification("")

    assert not issubclass(
        midtransclient.transactions.JSONDecodeError, midtransclient.JSONDecodeError
    )
    assert elsewhere.received == []


def test_a_notice_without_a_transaction_id_is_a_key_error(elsewhere: Receiver):
    """18.1, notification."""
    with pytest.raises(KeyError):
        core_api().transactions.notification({"order_id": "o-1"})


def test_the_package_mixes_up_headers_and_query_when_it_reads_a_notice_again(elsewhere: Receiver):
    """18.1, notification, a bug that the server has to bear."""
    core_api({"X-Extra": "more"}).transactions.notification({"transaction_id": "t-1"})

    (sent,) = elsewhere.received
    assert (sent.path, sent.headers["X-Extra"]) == ("/v2/t-1/status?X-Extra=more", None)


@pytest.mark.parametrize("status", [200, 502])
def test_an_answer_that_is_a_page_is_a_decoding_error_whatever_its_status(
    elsewhere: Receiver, status: int
):
    """18.1, non-JSON answer: raised before the HTTP status is looked at."""
    elsewhere.answers(status, "text/html", b"<html><h1>Bad gateway</h1></html>")

    with pytest.raises(midtransclient.JSONDecodeError, match="Bad gateway"):
        core_api().transactions.status("o-1")


def test_a_page_of_the_simulator_is_a_decoding_error_too(sandbox: Sandbox):
    """18.3, non-JSON exception."""
    with pytest.raises(midtransclient.JSONDecodeError, match="not JSON"):
        HttpClient().request("get", "any key", sandbox.url)


@pytest.mark.parametrize(
    ("answer", "error"),
    [(b"[]", AttributeError), (b'{"status_code": "two hundred"}', ValueError)],
    ids=["an array", "a code that is no number"],
)
def test_json_of_the_wrong_shape_is_an_error_of_the_language(
    elsewhere: Receiver, answer: bytes, error: type[Exception]
):
    """18.1, other failures."""
    elsewhere.answers(200, "application/json", answer)

    with pytest.raises(error):
        core_api().transactions.status("o-1")


def test_nobody_answering_is_an_error_of_requests(monkeypatch: pytest.MonkeyPatch):
    """18.1, other failures."""
    monkeypatch.setattr(ApiConfig, "CORE_SANDBOX_BASE_URL", NOWHERE)

    with pytest.raises(requests.ConnectionError):
        core_api().transactions.status("o-1")


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [(400, "400", "HTTP status code: `400`"), (200, "404", "API status code: `404`")],
)
def test_an_error_tells_both_codes_and_keeps_the_answer(
    elsewhere: Receiver, status: int, code: str, told: str
):
    """18.1, errors: raised for HTTP's status first, else for the body's."""
    elsewhere.answers(status, "application/json", b'{"status_code": "%s"}' % code.encode())

    error = refusal(core_api().transactions.status, "o-1")

    assert error.message.startswith("Midtrans API is returning API error.")
    assert told in error.message and str(error) == error.message
    assert error.api_response_dict == {"status_code": code}
    assert error.http_status_code == error.raw_http_client_data.status_code == status


@pytest.mark.parametrize("code", ["200", "201", "202", "407"])
def test_refused_and_expired_are_answers_and_no_errors(elsewhere: Receiver, code: str):
    """18.1: 202 is returned as a dict, and 407 is the one code from 400 up that does not raise."""
    elsewhere.answers(200, "application/json", b'{"status_code": "%s"}' % code.encode())

    assert core_api().transactions.status("o-1") == {"status_code": code}


def test_an_api_error_is_nothing_that_a_wrong_answer_raises(elsewhere: Receiver):
    """18.1: whoever catches `MidtransAPIError` has not caught a page in place of an answer."""
    assert not issubclass(midtransclient.JSONDecodeError, MidtransAPIError)


def test_snap_also_asks_and_acts_at_the_core_host(elsewhere: Receiver):
    """18.1, the `Snap` object."""
    snap_api().transactions.status("o-1")

    assert elsewhere.received[0].path == "/v2/o-1/status"
