"""Acts: money goes back to payers, in part and in whole, and never more than came in."""

from api.demo.buying import ACCEPTED_CARDS
from api.demo.scene import Purchase, Scene


async def refunds(scene: Scene) -> None:
    await scene.together(
        [
            ("gopay refunds", _in_parts(scene)),
            ("shopeepay refund", _whole(scene)),
            ("card refund", _card(scene)),
            ("VA refund", _not_refundable(scene)),
        ]
    )


async def _in_parts(scene: Scene) -> None:
    purchase = await scene.buy_and_pay("gopay, refunded in parts", "gopay")
    amount = purchase.payment.amount
    await scene.api.refund(purchase.id, 40_000)
    await scene.arrives(purchase, "partially_refunded")
    await scene.is_refused(
        "a refund beyond what is left",
        "422 refund_exceeds_payment",
        scene.api.refund(purchase.id, amount - 40_000 + 1),
    )
    await scene.api.refund(purchase.id)
    await _confirmed(scene, purchase, "refunded", [40_000, amount - 40_000])


async def _whole(scene: Scene) -> None:
    purchase = await scene.buy_and_pay("shopeepay, refunded", "shopeepay")
    await scene.is_refused(
        "a partial refund where only whole ones are possible",
        "422 refund_must_be_full",
        scene.api.refund(purchase.id, 1_000),
    )
    await scene.api.refund(purchase.id)
    await _confirmed(scene, purchase, "refunded", [purchase.payment.amount])


async def _card(scene: Scene) -> None:
    purchase = await scene.buy_by_card("card, refunded in part", ACCEPTED_CARDS["Mastercard"])
    await scene.is_refused(
        "refunding a card that is not settled",
        "409 payment_not_settled",
        scene.api.refund(purchase.id, 25_000),
    )
    await scene.gateway.act("settle", order_id=purchase.order_id)
    await scene.arrives(purchase, "settled")
    await scene.api.refund(purchase.id, 25_000)
    await _confirmed(scene, purchase, "partially_refunded", [25_000])


async def _not_refundable(scene: Scene) -> None:
    purchase = await scene.buy_and_pay("cimb_va, refund refused", "cimb_va")
    await scene.is_refused(
        "refunding a virtual account", "422 refund_not_supported", scene.api.refund(purchase.id)
    )


async def _confirmed(scene: Scene, purchase: Purchase, status: str, amounts: list[int]) -> None:
    """The gateway's word is one thing, the bank's confirmation another; both have to come."""
    await scene.waits(
        purchase, lambda payment: {one.status for one in payment.refunds} == {"confirmed"}
    )
    await scene.arrives(purchase, status)
    found = [(one.amount, one.status) for one in purchase.payment.refunds]
    scene.checks.equal(
        f"{purchase.what}: refunds", [(amount, "confirmed") for amount in amounts], found
    )
