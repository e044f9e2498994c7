"""Act: who has left asks to be forgotten, and two people see to it; the books stay as they are."""

import asyncio
from typing import Final

from api.customer_views import ERASED
from api.demo import stage
from api.demo.answers import Json
from api.demo.client import Refused
from api.demo.scene import Scene
from api.demo.subscribing import EKA
from api.demo.waiting import until

WISH: Final = {"reason": "asked_by_person"}
PATH: Final = f"/api/v1/customers/{EKA.name}"


async def forgotten(scene: Scene) -> None:
    before, known = await scene.api.trial_balance(), await scene.api.read(PATH)
    scene.checks.equal("eka's name, before", EKA.name.title(), known.get("name"))
    scene.checks.equal("a first person asks, at the terminal", 0, await _asks(scene))
    scene.checks.equal("the same person asks again, and is refused", 1, await _asks(scene))
    erased = await until(lambda: scene.api.erase(EKA.name, WISH), _is_certified)
    scene.checks.equal("eka, once a second person has asked", "erased", erased["status"])
    await _looked_at(scene)
    after = await scene.api.trial_balance()
    scene.checks.equal(
        "the trial balance afterwards is the one before",
        [(one.account, one.balance) for one in before.accounts],
        [(one.account, one.balance) for one in after.accounts],
    )


async def _asks(scene: Scene) -> int:
    """The exit code."""
    words = ("personal-data", "erase", EKA.name, "--reason", WISH["reason"])
    done = await asyncio.to_thread(stage.run, *words, "--data-dir", scene.folder)
    return done.returncode


def _is_certified(erasure: Json) -> bool:
    return bool(erasure["status"] == "erased")


async def _looked_at(scene: Scene) -> None:
    known = await scene.api.read(PATH)
    scene.checks.equal(
        "what is read of eka", [ERASED, ERASED], [known.get("name"), known.get("email")]
    )
    payments = await scene.api.all("/api/v1/payments", "payments", customerId=EKA.name)
    scene.checks.equal("eka's payments that are still there", 1, len(payments))
    try:
        await scene.api.put(PATH, {"name": "Eka"})
        found = "accepted"
    except Refused as refused:
        found = refused.code
    scene.checks.equal("something new about eka", "subject_erased", found)
