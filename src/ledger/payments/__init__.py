"""Payments: from the request over attempts at the gateway to money settled, refunded or taken back.

A *payment* is what the merchant asked for. An *attempt* is one try by one method under an order id
of its own; at most one is live. *Captured* means the payer has paid, *settled* that the gateway
owes us the net. *Unknown* is a state, never a guess.

    events        facts            life        the tables of states
    payment       state, evolve    commands    what can be asked
    charging      request, send, retry, fall back
    observing     what the gateway says → what is new
    aftercare     capture, cancel  refunding   refunds
    deciding      command → rule; each money fact with its journal entry
    method(s)     the catalogue    routing     which method takes it       eligibility   whether it can
    refunds, retrying, due         arithmetic and tables
    service       the only file that does I/O

Invariants: an order id is committed before it is sent and never used for a second attempt; only the
winner of a `…Dispatched` append sends; refunds asked for never exceed what was captured; an amount
that differs freezes the payment for a person.
"""
