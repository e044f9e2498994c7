"""The simulator as the nemesis and the checker meet it: faults by rule and seed, its clock, and its whole book."""

from typing import Any

from support.customer import Fields, Gateway, Refused


class Outside(Gateway):
    async def transactions(self) -> list[Fields]:
        """Each with its order id; refunds that the bank refused are not among its refunds."""
        book = await self._told("book")
        return [
            one
            | {
                "order_id": order["order_id"],
                "refunds": [refund for refund in one["refunds"] if refund["status"] != "denied"],
            }
            for order in book["orders"]
            for one in order["transactions"]
        ]

    async def all_notices(self) -> list[Fields]:
        return list((await self._told("notices"))["notices"])

    async def set_rules(self, seed: int, rules: list[Fields]) -> None:
        """In place of those before."""
        await self.control("faults", seed=seed, rules=rules)

    async def struck(self) -> dict[str, int]:
        """How often each fault has met a request."""
        return dict((await self._told("faults"))["struck"])

    async def garble_notices(self, **how: Any) -> None:
        await self.control("notices/faults", **how)

    async def heal_requests(self) -> None:
        await self._deleted("faults")

    async def heal_notices(self) -> None:
        await self._deleted("notices/faults")

    async def advance_clock(self, seconds: float) -> None:
        await self.control("clock", advance_seconds=seconds)

    async def settle_cards(self) -> None:
        """The bank's evening batch."""
        await self.control("settle")

    async def tell_again(self, order: str, times: int = 1) -> None:
        """The notice of the order's present state."""
        await self.control("notices", order_id=order, times=times)

    async def _told(self, what: str) -> Fields:
        answer = await self._http.get(f"/_control/{what}")
        return dict(answer.raise_for_status().json())

    async def _deleted(self, what: str) -> None:
        answer = await self._http.delete(f"/_control/{what}")
        if not answer.is_success:
            raise Refused(f"DELETE {what}: {answer.status_code} {answer.text}")
