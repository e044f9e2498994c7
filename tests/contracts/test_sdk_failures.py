"""A gateway that fails, as its own package raises it, which neither waits nor retries. midtrans.md 1.6, 12.1, 18.1."""

from typing import Any

import midtransclient
import pytest
import requests
from midtransclient import CoreApi

from support.sdk import Sandbox, bca_order, codes, core_api, new_id, refusal


@pytest.fixture
def order_id() -> str:
    return new_id("fault")


def charge(core: CoreApi, order_id: str) -> Any:
    return core.charge(bca_order(order_id=order_id))


def fault(sandbox: Sandbox, name: str, order_id: str, seconds: float = 1.0) -> None:
    """For the next request about this order."""
    sandbox.act("faults", fault=name, match={"order_id_prefix": order_id}, times=1, seconds=seconds)


def test_too_many_requests_are_told_in_another_shape(
    core: CoreApi, sandbox: Sandbox, order_id: str
):
    """1.6: 429, and a body without a status code."""
    fault(sandbox, "rate_limit_429", order_id)

    error = refusal(charge, core, order_id)

    assert error.http_status_code == 429
    assert error.api_response_dict == {"message": "API rate limit exceeded"}


@pytest.mark.parametrize(
    ("name", "code"),
    [("error_500_without_doing", "500"), ("refuse_503", "503"), ("va_505", "505")],
)
def test_what_the_gateway_could_not_do_can_be_tried_again(
    core: CoreApi, sandbox: Sandbox, order_id: str, name: str, code: str
):
    """12.1: after a look at the status. Which HTTP status comes with them is unverified (1.7)."""
    fault(sandbox, name, order_id)

    error = refusal(charge, core, order_id)

    assert error.api_response_dict["status_code"] == code
    assert code in str(error)
    assert codes(refusal(core.transactions.status, order_id)) == (200, "404")
    assert charge(core, order_id)["status_code"] == "201"


def test_a_page_of_a_proxy_is_no_error_of_the_api(core: CoreApi, sandbox: Sandbox, order_id: str):
    """18.1, non-JSON answer: an HTML 502 is a decoding error."""
    fault(sandbox, "html_502", order_id)

    with pytest.raises(midtransclient.JSONDecodeError, match="not JSON"):
        charge(core, order_id)


@pytest.mark.parametrize(("name", "done"), [("reset_before", False), ("do_then_reset", True)])
def test_a_lost_line_leaves_open_what_was_done(
    core: CoreApi, sandbox: Sandbox, order_id: str, name: str, done: bool
):
    """18.1, other failures; 1.6: unknown until the status is read."""
    fault(sandbox, name, order_id)

    with pytest.raises(requests.ConnectionError):
        charge(core, order_id)

    assert bool(sandbox.transactions(order_id)) is done


def test_a_charge_whose_answer_was_lost_is_a_duplicate(
    core: CoreApi, sandbox: Sandbox, order_id: str
):
    """17, 10: 406 after a failure means that the first one succeeded; its status tells."""
    fault(sandbox, "do_then_500", order_id)
    assert refusal(charge, core, order_id).api_response_dict["status_code"] == "500"

    assert codes(refusal(charge, core, order_id)) == (200, "406")
    assert core.transactions.status(order_id)["transaction_status"] == "pending"


def test_a_charge_whose_answer_was_lost_is_told_again_for_its_key(sandbox: Sandbox, order_id: str):
    """1.6: replay with the same Idempotency-Key, in place of a look at the status."""
    once = core_api({"Idempotency-Key": new_id("key")})
    fault(sandbox, "do_then_reset", order_id)
    with pytest.raises(requests.ConnectionError):
        charge(once, order_id)

    assert charge(once, order_id)["transaction_status"] == "pending"
    assert len(sandbox.transactions(order_id)) == 1


def test_a_timeout_is_whatever_the_caller_gives_to_requests(
    core: CoreApi, sandbox: Sandbox, order_id: str
):
    """18.1: none; 18.2: unless `http_client.http_client` is an object that adds one."""
    fault(sandbox, "hang", order_id)
    core.http_client.http_client = Impatient()

    with pytest.raises(requests.Timeout):
        charge(core, order_id)


class Impatient:
    def request(self, method: str, url: str, **options: Any) -> requests.Response:
        return requests.request(method, url, timeout=0.2, **options)


def test_an_error_of_the_simulator_tells_all_that_the_package_keeps(core: CoreApi):
    """18.1, errors: the attributes, with a body code under HTTP 200."""
    error = refusal(core.transactions.status, "non-exist-order-id")

    assert error.message.startswith("Midtrans API is returning API error. API status code: `404`")
    assert error.api_response_dict == error.raw_http_client_data.json()
    assert error.raw_http_client_data.status_code == error.http_status_code == 200
