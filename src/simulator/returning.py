"""How a payer's browser comes back to the shop. None of it can be trusted (midtrans.md 4.10, 7.4)."""

import json
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from simulator import snap_api
from simulator.gateway import Gateway
from simulator.markup import Html, html
from simulator.sessions import Session
from simulator.transactions import Fields, Status, Transaction
from simulator.views import status_answer

BY_POST: Final = ("akulaku",)
LENDERS: Final = ("akulaku", "kredivo")
WELL: Final = ("200", "201")


def link(url: object, query: dict[str, str]) -> Html:
    """Nothing, when there is no address to return to."""
    if not is_address(url):
        return html("")
    joint = "&" if "?" in str(url) else "?"
    address = f"{url}{joint}{urlencode(query)}"
    return html('<p><a href="{url}">Back to the shop</a></p>', url=address)


def is_address(url: object) -> bool:
    return isinstance(url, str) and urlsplit(url).scheme not in ("", "javascript", "data")


def from_lender(gateway: Gateway, transaction: Transaction) -> Html:
    """Akulaku sends the browser by POST, with all it knows in one field; Kredivo by GET (4.10)."""
    url = _finish_url(gateway, transaction)
    if transaction.status is Status.PENDING or not is_address(url):
        return html("")
    if transaction.method_name not in BY_POST:
        return link(url, _brief(transaction))
    known = status_answer(transaction, gateway.config.merchant_id, gateway.config.server_key)
    return html(
        '<form method="post" action="{url}"><input type="hidden" name="response" value="{known}">'
        "<button>Back to the shop</button></form>",
        url=url,
        known=json.dumps(known),
    )


def _finish_url(gateway: Gateway, transaction: Transaction) -> Any:
    session = gateway.sessions.find(transaction.order_id)
    asked = session.body.get("callbacks") if session else None
    return (asked.get("finish") if isinstance(asked, dict) else "") or gateway.config.finish_url


def _brief(transaction: Transaction) -> dict[str, str]:
    return {
        "order_id": transaction.order_id,
        "status_code": snap_api.finish_code(transaction),
        "transaction_status": transaction.status.value,
    }


def from_snap(gateway: Gateway, session: Session) -> Html:
    """To the finish or the error address of the session, else of the account."""
    latest, asked = session.latest, session.body.get("callbacks")
    if latest is None:
        return html("")
    urls = asked if isinstance(asked, dict) else {}
    code = snap_api.finish_code(latest)
    url = (urls.get("error") if code not in WELL else "") or urls.get("finish")
    return link(url or gateway.config.finish_url, _brief(latest))


def result(gateway: Gateway, session: Session, transaction: Transaction) -> Fields:
    """What snap.js hands to the shop's page (7.4)."""
    config = gateway.config
    known = status_answer(transaction, config.merchant_id, config.server_key)
    known.pop("signature_key")
    for account in transaction.detail.get("va_numbers", []):
        if account["bank"] == "bca":
            known["bca_va_number"] = account["va_number"]
    path = f"{config.public_url}/snap/v1/transactions/{session.token}/pdf"
    return known | {
        "finish_redirect_url": str(_finish_url(gateway, transaction) or ""),
        "pdf_url": path,
    }


def to_opener(gateway: Gateway, session: Session) -> Html:
    """Tells the page that snap.js put this one on. Markup cannot end the script early."""
    if session.latest is None:
        return html("")
    told = {"token": session.token, "result": result(gateway, session, session.latest)}
    text = json.dumps(told).replace("<", "\\u003c")
    return html(
        "<script>if (parent !== window) parent.postMessage({{snap: {told}}}, '*');</script>",
        told=Html(text),
    )
