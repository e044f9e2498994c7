"""Acts: payers pay by every method of the catalogue, by every family, and by cards of every kind."""

from collections.abc import Coroutine
from typing import Any, Final

from api.demo.answers import Method
from api.demo.scene import PRICE, Purchase, Scene
from ledger import clock

# midtrans.md 13: not enrolled in 3-D Secure and accepted, one a network of the catalogue.
ACCEPTED_CARDS: Final = {
    "Visa": "4411111111111118",
    "Mastercard": "5410111111111116",
    "JCB": "3528868047864225",
    "American Express": "373747726661940",
}
DENIED_CARD: Final = "4711111111111115"
SECURE_CARD: Final = "4811111111111114"
ONE_TIME_PASSWORD: Final = "112233"

FAMILIES: Final = {"bank_transfer": (), "e_wallet": ("shopeepay",), "convenience_store": ()}
RUSH: Final = 60  # payments
# What is chosen on the hosted page; a page that offers one method only leaves no choice.
CHOSEN_ON_PAGE: Final = {"snap": {"method": "bca_va"}}


async def every_method(scene: Scene) -> None:
    catalogue = await scene.api.methods(PRICE)
    unavailable = [method.code for method in catalogue if not method.available]
    scene.checks.none("methods of the catalogue that are not available", unavailable)
    await scene.together([work for method in catalogue for work in _payments_by(scene, method)])


def _payments_by(scene: Scene, method: Method) -> list[tuple[str, Coroutine[Any, Any, object]]]:
    if not method.networks:
        return [(method.code, _pay_by(scene, method.code))]
    return [
        (f"{method.code} {network}", _pay_by_card(scene, f"{method.code} {network}", network))
        for network in method.networks
    ]


async def _pay_by(scene: Scene, code: str) -> None:
    purchase = await scene.buy(code, code)
    scene.checks.equal(
        f"{code} is answered with", "201, pending", f"{purchase.http}, {purchase.payment.status}"
    )
    await scene.pay(purchase, **CHOSEN_ON_PAGE.get(code, {}))
    await scene.arrives(purchase, "settled")


async def _pay_by_card(scene: Scene, what: str, network: str) -> None:
    purchase = await scene.buy_by_card(what, ACCEPTED_CARDS[network])
    scene.checks.equal(
        f"{what} is answered with", "201, captured", f"{purchase.http}, {purchase.payment.status}"
    )


async def families(scene: Scene) -> None:
    """The orchestrator picks one of the family and says why."""
    members: dict[str, set[str]] = {}
    for method in await scene.api.methods(PRICE):
        members.setdefault(method.family, set()).add(method.code)
    await scene.together(
        (family, _pay_by_family(scene, family, preferred, members[family]))
        for family, preferred in FAMILIES.items()
    )


async def _pay_by_family(
    scene: Scene, family: str, preferred: tuple[str, ...], members: set[str]
) -> None:
    purchase = await scene.buy(family, family, fallbackMethods=preferred)
    attempt = purchase.payment.attempt
    purchase.what = f"{family}: {attempt.method}"
    scene.checks.holds(
        f"{family} is paid by",
        " or ".join(sorted(members)),
        attempt.method,
        attempt.method in members,
    )
    rule = "preference" if preferred else "cost"
    scene.checks.equal(
        f"{family} was picked by, with a reason",
        f"{rule}, True",
        f"{attempt.routing_rule}, {bool(attempt.routing_reason)}",
    )
    await scene.pay(purchase)
    await scene.arrives(purchase, "settled")


async def cards(scene: Scene) -> None:
    await scene.together(
        [
            ("card, denied", _denied(scene)),
            ("card, 3-D Secure", _secured(scene)),
            ("card, held", _held(scene)),
        ]
    )


async def _denied(scene: Scene) -> None:
    purchase = await scene.buy_by_card("card, denied", DENIED_CARD)
    scene.checks.equal(
        "a denied card is answered with",
        "201, denied",
        f"{purchase.http}, {purchase.payment.status}",
    )
    scene.checks.equal("nothing is captured of a denied card", 0, purchase.payment.captured_amount)


async def _secured(scene: Scene) -> None:
    """The bank's own page asks for a one-time password."""
    purchase = await scene.buy_by_card("card, 3-D Secure", SECURE_CARD)
    action = purchase.payment.next_action
    scene.checks.equal("a 3-D Secure card sends the payer to", "open_page", action and action.type)
    if action:
        purchase.paid_at = clock.now()
        await scene.gateway.enter_password(action.redirect_url, ONE_TIME_PASSWORD)
        await scene.arrives(purchase, "captured")


async def _held(scene: Scene) -> None:
    """Authorised first, captured later, and less than was held."""
    number = ACCEPTED_CARDS["Visa"]
    purchase = await scene.buy_by_card(
        "card, held then captured", number, amount=150_000, capture="later"
    )
    scene.checks.equal(
        "a hold is answered with", "201, authorised", f"{purchase.http}, {purchase.payment.status}"
    )
    await _capture_less(scene, purchase, 60_000)


async def _capture_less(scene: Scene, purchase: Purchase, amount: int) -> None:
    await scene.is_refused(
        "capturing more than was held",
        "422 capture_exceeds_authorisation",
        scene.api.capture(purchase.id, 150_001),
    )
    purchase.paid_at = clock.now()
    purchase.payment = (await scene.api.capture(purchase.id, amount)).payment
    await scene.arrives(purchase, "captured")
    scene.checks.equal("captured of the 150000 held", amount, purchase.payment.captured_amount)


async def settling(scene: Scene) -> None:
    """The gateway settles the day's cards; its fee is booked only now."""
    captured = [one for one in scene.purchases if one.payment.status == "captured"]
    await scene.gateway.act("settle")
    await scene.together((f"{one.what} settles", scene.arrives(one, "settled")) for one in captured)
    scene.checks.holds(
        "cards settled in one batch", "at least 6", len(captured), len(captured) >= 6
    )


async def rush_hour(scene: Scene) -> None:
    """Many payers at once, so that times are more than anecdotes."""
    before = len(scene.purchases)
    await scene.together((f"rush hour {n}", _scan(scene)) for n in range(RUSH))
    scene.rush, scene.purchases = scene.purchases[before:], scene.purchases[:before]
    settled = sum(one.payment.status == "settled" for one in scene.rush)
    scene.checks.equal("payments settled in the rush hour", RUSH, settled)


async def _scan(scene: Scene) -> None:
    purchase = await scene.buy("rush hour, qris", "qris")
    await scene.pay(purchase)
    await scene.waits(purchase, lambda payment: payment.status == "settled")
