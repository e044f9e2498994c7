"""The control API's harm: faults of requests, outages, and faults of notices."""

from typing import Final

from starlette.routing import Route

from simulator.control_api import Act, control, find
from simulator.fault_rules import Rule, Trap
from simulator.gateway import Gateway
from simulator.notice_faults import NoticeFaults
from simulator.transactions import Fields


def faults(gateway: Gateway, _: Fields) -> Fields:
    return gateway.faults.describe()


def set_faults(gateway: Gateway, asked: Fields) -> Fields:
    """Rules, in place of those before; or one trap more."""
    if "rules" in asked:
        rules = [Rule.read(rule) for rule in asked["rules"]]
        gateway.faults.set_rules(int(asked.get("seed", 0)), rules)
    else:
        gateway.faults.traps.append(Trap.read(asked))
    return gateway.faults.describe()


def heal_faults(gateway: Gateway, _: Fields) -> Fields:
    gateway.faults.heal()
    return gateway.faults.describe()


def outage(gateway: Gateway, asked: Fields) -> Fields:
    gateway.faults.outage = bool(asked["on"])
    return {"outage": gateway.faults.outage}


def notices(gateway: Gateway, asked: Fields) -> Fields:
    """All of them, or those of `?order_id=`."""
    outbox = gateway.outbox
    wanted = [one for one in outbox.history if asked.get("order_id") in (None, one.order_id)]
    return {"holding": outbox.holding, "notices": [notice.describe() for notice in wanted]}


def send_notices(gateway: Gateway, asked: Fields) -> Fields:
    """The notice of the present state, again."""
    transaction, times = find(gateway, asked), int(asked.get("times", 1))
    for _ in range(times):
        gateway.announce(transaction)
    return {"sent": times}


def hold_notices(gateway: Gateway, asked: Fields) -> Fields:
    outbox = gateway.outbox
    dropped = outbox.drop() if asked.get("drop") else 0
    released = 0
    if asked["hold"]:
        outbox.hold()
    else:
        released = outbox.release(str(asked.get("order", "")), asked.get("seed"))
    return {"holding": outbox.holding, "released": released, "dropped": dropped}


def notice_faults(gateway: Gateway, _: Fields) -> Fields:
    return gateway.outbox.faults.describe()


def set_notice_faults(gateway: Gateway, asked: Fields) -> Fields:
    gateway.outbox.faults = NoticeFaults.read(asked)
    return notice_faults(gateway, asked)


def heal_notice_faults(gateway: Gateway, asked: Fields) -> Fields:
    """What is delayed already still arrives late."""
    gateway.outbox.faults = NoticeFaults()
    return notice_faults(gateway, asked)


ACTS: Final[tuple[tuple[str, str, Act], ...]] = (
    ("GET", "faults", faults),
    ("POST", "faults", set_faults),
    ("DELETE", "faults", heal_faults),
    ("POST", "outage", outage),
    ("GET", "notices", notices),
    ("POST", "notices", send_notices),
    ("POST", "notices/hold", hold_notices),
    ("GET", "notices/faults", notice_faults),
    ("POST", "notices/faults", set_notice_faults),
    ("DELETE", "notices/faults", heal_notice_faults),
)
routes: Final = [
    Route(f"/_control/{name}", control(act), methods=[method]) for method, name, act in ACTS
]
