"""Acts: the gateway is down, payers forget or refuse, banks take money back, buyers ask twice."""

import secrets
from typing import Final

from api.demo.client import Refused
from api.demo.scene import PAYER, PRICE, Purchase, Scene

DOWN: Final = "qris, gateway down"


async def gateway_down(scene: Scene) -> None:
    """The request is accepted; what becomes of it shows when the gateway is back."""
    await scene.gateway.act("outage", on=True)
    try:
        purchase = await scene.buy(DOWN, "qris")
    finally:
        await scene.gateway.act("outage", on=False)
    scene.checks.equal("while the gateway is down, a payment is answered with", 202, purchase.http)


async def gateway_back(scene: Scene) -> None:
    purchase = next(one for one in scene.purchases if one.what == DOWN)
    await scene.waits(purchase, lambda payment: payment.status == "pending")
    scene.checks.equal("the gateway back, the payment is", "pending", purchase.payment.status)
    if action := purchase.payment.next_action:
        purchase.told += f" Later: {action.message.get('en', '')}"
    await scene.pay(purchase)
    await scene.arrives(purchase, "settled")


async def endings(scene: Scene) -> None:
    await scene.together(
        [
            ("a VA that nobody pays", _expires(scene)),
            ("a wallet that refuses", _falls_back(scene)),
            ("a settlement taken back", _is_reversed(scene)),
            ("a cancelled payment", _is_cancelled(scene)),
            ("a subscription paid in advance", _is_prepaid(scene)),
            ("a request sent twice", _is_asked_twice(scene)),
        ]
    )


async def _expires(scene: Scene) -> None:
    purchase = await scene.buy("bca_va, not paid", "bca_va", expiresAfterSeconds=3_600)
    await scene.gateway.act("expire", order_id=purchase.order_id)
    await scene.arrives(purchase, "expired")


async def _falls_back(scene: Scene) -> None:
    purchase = await scene.buy(
        "gopay, denied, then shopeepay", "gopay", fallbackMethods=["shopeepay"]
    )
    await scene.gateway.act("deny", order_id=purchase.order_id)
    await scene.waits(
        purchase, lambda payment: len(payment.attempts) > 1 and payment.status == "pending"
    )
    tried = [(attempt.method, attempt.status) for attempt in purchase.payment.attempts]
    scene.checks.equal(
        "a denied wallet falls back", [("gopay", "denied"), ("shopeepay", "pending")], tried
    )
    scene.checks.equal(
        "the second wallet was picked by", "fallback", purchase.payment.attempt.routing_rule
    )
    await scene.pay(purchase)
    await scene.arrives(purchase, "settled")


async def _is_reversed(scene: Scene) -> None:
    purchase = await scene.buy_and_pay("permata_va, taken back", "permata_va")
    await scene.gateway.act("reverse", order_id=purchase.order_id)
    await scene.arrives(purchase, "reversed")


async def _is_cancelled(scene: Scene) -> None:
    purchase = await scene.buy("bni_va, cancelled", "bni_va")
    await scene.api.cancel(purchase.id)
    await scene.arrives(purchase, "cancelled")
    scene.checks.equal(
        "a cancelled virtual account takes money", "no", await _takes_money(scene, purchase)
    )


async def _takes_money(scene: Scene, purchase: Purchase) -> str:
    try:
        await scene.gateway.act("pay", order_id=purchase.order_id)
    except Refused:
        return "no"
    return "yes"


async def _is_prepaid(scene: Scene) -> None:
    await scene.buy_and_pay(
        "bri_va, prepaid", "bri_va", subscriptionId="sub_demo", customerId="cus_demo"
    )


async def _is_asked_twice(scene: Scene) -> None:
    """The buyer's browser lost the first answer and asks again with the same key."""
    key, body = secrets.token_hex(16), {"amount": PRICE, "paymentMethod": "cimb_va", "payer": PAYER}
    first, again = await scene.api.create(body, key), await scene.api.create(body, key)
    scene.checks.equal(
        "the same request again is the same payment",
        first.payment.payment_id,
        again.payment.payment_id,
    )
    scene.checks.equal(
        "the repeat is marked as one", (False, True), (first.replayed, again.replayed)
    )
    await scene.is_refused(
        "the same key for another amount",
        "422 idempotency_key_reused",
        scene.api.create(body | {"amount": PRICE + 1}, key),
    )
