"""The control API's harm: faults of requests, outages, and faults of notices.

    POST   /_control/faults   a trap: {"fault": "hang", "match": {"path_contains": "/charge",
                              "order_id_prefix": "o-"}, "times": 1, "seconds": 30}; or rules, in
                              place of those before: {"seed": 7, "rules": [{"fault": "do_then_500",
                              "share": 0.1, "match": {}, "seconds": 3}]}
    GET    /_control/faults   {"outage", "faults": traps, "seed", "rules", "struck": {fault: times},
                              "known": names}; each trap and rule has "struck", too
    DELETE /_control/faults   no outage, trap or rule any more
    POST   /_control/notices/faults   {"seed": 7, "lost": 0.3, "repeat": [1, 10], "delay_seconds":
                              [0, 5], "forged": 0.1, "fields_shuffled": true, "wrong_signature": 0};
                              GET tells it, DELETE heals it
    GET    /_control/notices  each with its "state" (queued, delayed, held, delivered, failed,
                              dropped, lost), "kind" (true, repeat, forged_status, forged_fields,
                              wrong_signature) and "delay_seconds"

`seconds` is how long a fault lasts, the pause between two bytes of `drip`, or how much later a bank
refuses. What it cannot read is answered 400. DELETE heals what is to come: requests that hang and
notices that are delayed already take their time, and so do refusals that a bank was set to make.
"""

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
