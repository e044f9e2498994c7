"""How browsers come back to the shop, and what snap.js tells it (midtrans.md 4.10, 7)."""

import json
import re
import shutil
import subprocess
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from simulator.snap_js import SCRIPT, pdf

FINISH = "https://shop.test/done"
BROWSER = {"auth": None, "follow_redirects": True}


def press(merchant, act, charged):
    form = {"id": charged["transaction_id"], "back": "/"}
    merchant.http.post(f"/act/{act}", data=form, auth=None)


def create(merchant, **more):
    details = {"order_id": merchant.order_id(), "gross_amount": 50_000}
    reply = merchant.http.post(
        "/snap/v1/transactions", json={"transaction_details": details} | more
    )
    return details["order_id"], reply.json()


def choose(merchant, session, **form):
    return merchant.http.post(session["redirect_url"], data=form, **BROWSER)


def query(text):
    link = unescape(re.search(r'<a href="([^"]+)">Back to the shop', text).group(1))
    return {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}


@pytest.mark.parametrize(
    ("act", "status", "code"), [("pay", "settlement", "200"), ("expire", "expire", "407")]
)
def test_akulaku_posts_all_it_knows(shop, act, status, code):
    charged = shop.charge("akulaku")
    before = shop.http.get(charged["redirect_url"], auth=None).text
    press(shop, act, charged)
    after = shop.http.get(charged["redirect_url"], auth=None).text

    told = json.loads(unescape(re.search(r'name="response" value="([^"]+)"', after).group(1)))
    assert "Back to the shop" not in before
    assert f'<form method="post" action="{FINISH}">' in after
    assert told == shop.status(charged["order_id"])
    assert (told["transaction_status"], told["status_code"]) == (status, code)
    assert "signature_key" in told


@pytest.mark.parametrize(
    ("act", "status", "code"), [("pay", "settlement", "200"), ("expire", "expire", "407")]
)
def test_kredivo_leads_back_with_the_outcome(shop, act, status, code):
    charged = shop.charge("kredivo")
    press(shop, act, charged)

    back = query(shop.http.get(charged["redirect_url"], auth=None).text)
    assert back == {
        "order_id": charged["order_id"],
        "transaction_status": status,
        "status_code": code,
    }


def test_without_an_address_there_is_no_way_back(merchant):
    charged = merchant.charge("kredivo")
    press(merchant, "pay", charged)

    assert "Back to the shop" not in merchant.http.get(charged["redirect_url"], auth=None).text


@pytest.mark.parametrize(("act", "path"), [("pay", "/done"), ("deny", "/sorry")])
def test_a_hosted_page_leads_to_the_page_of_its_outcome(merchant, act, path):
    urls = {"finish": FINISH, "error": "https://shop.test/sorry"}
    order_id, session = create(merchant, callbacks=urls)
    choose(merchant, session, method="qris")
    press(merchant, act, merchant.status(order_id))

    text = merchant.http.get(session["redirect_url"], auth=None).text
    assert f'<a href="https://shop.test{path}?order_id={order_id}' in text


@pytest.mark.parametrize(
    ("phone", "status"), [("081234567890", "pending"), ("+628249134000", None)]
)
def test_ovo_asks_for_a_phone_on_the_page(merchant, phone, status):
    order_id, session = create(merchant, enabled_payments=["ovo"])
    chosen = choose(merchant, session, method="ovo", phone=phone)

    found = merchant.status(order_id)
    assert found.get("transaction_status") == status
    assert chosen.status_code == (200 if status else 400)
    assert status is None or found["payer_phone_number"] == phone


def test_a_page_takes_listed_cards_only(merchant):
    order_id, session = create(merchant, credit_card={"whitelist_bins": ["bni"]})
    refused = choose(merchant, session, method="credit_card", card_number="4811111111111114")
    taken = choose(merchant, session, method="credit_card", card_number="5264 2210 3887 4659")

    assert (refused.status_code, taken.status_code) == (400, 200)
    assert merchant.status(order_id)["transaction_status"] == "capture"


def test_a_card_saved_on_a_page_can_be_charged_again(merchant, inbox):
    order_id, session = create(merchant, credit_card={"save_card": True}, user_id="siti")
    choose(merchant, session, method="credit_card")
    saved = inbox.wait(order_id, "capture")["saved_token_id"]

    again = merchant.charge(
        payment_type="credit_card", credit_card={"token_id": saved}, bank_transfer=None
    )
    assert again["transaction_status"] == "capture"


def test_recurring_comes_back_in_the_notice(merchant, inbox):
    wanted = {"required": True, "start_time": "2030-01-01 00:00:00 +0700", "interval_unit": "month"}
    order_id, session = create(merchant, recurring=wanted)
    choose(merchant, session, method="gopay")

    assert inbox.wait(order_id, "pending")["recurring"] == wanted


def test_a_page_is_expired_until_it_is_tried(merchant, inbox):
    order_id, first = create(merchant)
    _, second = create(merchant)
    choose(merchant, second, method="qris")
    path = "/snap/v1/transactions/{}/expire".format
    expired = merchant.post(path(first["token"]))
    tried = merchant.http.post(path(second["token"]))

    assert expired.keys() == {"expired_at"}
    assert "no longer open" in merchant.http.get(first["redirect_url"], auth=None).text
    assert (tried.status_code, tried.json()["error_messages"]) == (
        400,
        ["Transaction is on progress"],
    )
    assert merchant.post(path("nobody"))["error_messages"] == ["token not found"]
    assert inbox.bodies(order_id) == []


def test_instructions_are_a_pdf(merchant):
    order_id, session = create(merchant)
    path = f"/snap/v1/transactions/{session['token']}/pdf"
    before = merchant.http.get(path, auth=None)
    choose(merchant, session, method="bca_va")
    after = merchant.http.get(path, auth=None)

    number = merchant.status(order_id)["va_numbers"][0]["va_number"]
    assert before.status_code == 404
    assert after.headers["content-type"] == "application/pdf"
    assert number.encode() in after.content


def test_a_pdf_knows_where_its_parts_are():
    document = pdf("Title (one)", ["a\\b"])
    (start,) = re.search(rb"startxref\n(\d+)\n%%EOF", document).groups()
    offsets = [int(one) for one in re.findall(rb"(\d{10}) 00000 n", document)]

    assert document[int(start) :].startswith(b"xref")
    assert [document[at:].split(b" ")[0] for at in offsets] == [b"1", b"2", b"3", b"4", b"5"]
    assert rb"(Title \(one\)) Tj" in document


def result(merchant, session):
    text = merchant.http.get(session["redirect_url"], auth=None).text
    told = re.search(r"postMessage\(\{snap: (.*?)\}, '\*'\);</script>", text)
    return json.loads(told.group(1)) if told else None


def test_the_page_tells_its_opener_what_happened(merchant):
    order_id, session = create(merchant, custom_field1="</script>")
    silent = result(merchant, session)
    choose(merchant, session, method="bca_va")

    told = result(merchant, session)
    assert silent is None
    assert told["token"] == session["token"]
    known = merchant.status(order_id)
    assert told["result"]["bca_va_number"] == known["va_numbers"][0]["va_number"]
    assert told["result"].items() >= {"status_code": "201", "order_id": order_id}.items()
    assert told["result"]["pdf_url"].endswith(f"{session['token']}/pdf")
    assert "signature_key" not in told["result"]


# A browser as far as snap.js needs one.
BROWSER_STUB = """
const made = [], listeners = {};
const element = () => ({style: {}, append() {}, remove() { this.gone = true; }});
globalThis.window = {
  addEventListener: (name, act) => { listeners[name] = act; },
  removeEventListener: (name) => { delete listeners[name]; },
};
globalThis.document = {
  currentScript: {src: "http://midtrans.test/snap/snap.js"},
  createElement: (kind) => { const one = element(); made.push([kind, one]); return one; },
  body: element(),
  getElementById: () => element(),
};
const called = [];
const options = Object.fromEntries(["onSuccess", "onPending", "onError", "onClose"].map(
  name => [name, told => called.push([name, told && told.status_code])]));
const say = (code, origin = "http://midtrans.test") =>
  listeners.message && listeners.message({origin, data: {snap: {token: "t", result: {status_code: code}}}});
const latest = kind => made.filter(([name]) => name === kind).pop()[1];
"""
STORY = """
window.snap.pay("t", options); say("200", "http://evil.test"); say("200");
window.snap.pay("t", options); say("201"); latest("button").onclick();
window.snap.pay("t", options); say("202"); latest("button").onclick();
window.snap.pay("t", options); latest("button").onclick();
window.snap.pay("t", options); window.snap.hide(); say("200");
console.log(JSON.stringify({called, page: latest("iframe").src}));
"""


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
def test_the_script_calls_the_shop_back_by_outcome(merchant):
    served = merchant.http.get("/snap/snap.js", auth=None)
    told = subprocess.run(
        ["node", "-e", BROWSER_STUB + SCRIPT + STORY], capture_output=True, text=True, check=True
    )

    assert served.headers["content-type"].startswith("text/javascript")
    assert served.text == SCRIPT
    assert json.loads(told.stdout) == {
        "called": [
            ["onSuccess", "200"],
            ["onPending", "201"],
            ["onError", "202"],
            ["onClose", None],
        ],
        "page": "http://midtrans.test/snap/v3/redirection/t",
    }
