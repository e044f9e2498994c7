"""Pages for people: they show, they act, they escape."""

import pytest


def test_the_list_offers_what_can_happen_next(merchant):
    charged = merchant.charge("bca_va")
    page = merchant.http.get("/", auth=None).text

    assert charged["order_id"] in page
    assert charged["va_numbers"][0]["va_number"] in page
    for label in ("Pay", "Refuse", "Let it expire"):
        assert f"<button>{label}</button>" in page


@pytest.mark.parametrize(
    ("act", "status"), [("pay", "settlement"), ("deny", "deny"), ("expire", "expire")]
)
def test_a_button_does_what_it_says(merchant, act, status):
    charged = merchant.charge()

    done = merchant.http.post(f"/act/{act}", data={"id": charged["transaction_id"]}, auth=None)

    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert merchant.status(charged["order_id"])["transaction_status"] == status


def test_what_merchants_send_is_escaped(merchant):
    merchant.charge(order_id="<script>alert(1)</script>")
    page = merchant.http.get("/", auth=None).text

    assert "&lt;script&gt;alert(1)" in page
    assert "<script>" not in page


@pytest.mark.parametrize("method", ["akulaku", "kredivo"])
def test_a_lenders_page_takes_the_payment(merchant, method):
    charged = merchant.charge(method)
    page = merchant.http.get(charged["redirect_url"], auth=None).text
    form = {"id": charged["transaction_id"], "back": "//elsewhere.test"}
    paid = merchant.http.post("/act/pay", data=form, auth=None)

    assert "<button>Pay</button>" in page
    assert paid.headers["location"] == "/"
    assert "settlement" in merchant.http.get(charged["redirect_url"], auth=None).text


def test_a_wallets_deeplink_leads_back_to_the_shop(merchant):
    charged = merchant.charge("shopeepay")
    merchant.control("pay", order_id=charged["order_id"])

    page = merchant.http.get(charged["actions"][0]["url"], auth=None).text

    assert f"https://shop?order_id={charged['order_id']}&amp;result=success" in page


@pytest.mark.parametrize("path", ["/v2/akulaku/redirect/x", "/snap/v3/redirection/x"])
def test_an_unknown_page_is_not_found(merchant, path):
    assert merchant.http.get(path, auth=None).status_code == 404
