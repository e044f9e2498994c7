"""A local, honest Midtrans: a real HTTP server to develop and test against, without a network.

It stands in for the outside world, so it shares no code with the ledger and nothing imports it:
start it with `python -m simulator`. What it does comes from one place, `midtrans.md`, whose
section is named beside each table. State lives in memory, and everything runs on one event loop,
so between two awaits nothing can interleave.

Words
    transaction  one attempt to pay, with its own transaction id; several can share one order id
    order        what a merchant asked to be paid, as validated from a charge or a Snap session
    method       one row of the method table, named as Snap names it: `bca_va`, `gopay`, `dana`
    notice       what Midtrans posts to the merchant
    agenda       what the simulated clock will bring: expiry, bank confirmations, notice retries
    fault        a way to misbehave; a trap is a fault set for certain requests to come, a rule
                 gives one to a share of all requests, drawn from the request itself and a seed
    book         the truth: transactions, refunds, and which request made them

Reading order
    transactions   the state machine, as a table
    methods, qris  what each payment method answers
    orders         validation of what merchants send
    cards          test cards and their tokens; card_payments: 3-D Secure, capture, hold
    gateway        everything that is true, in one place, on top of book, clock and sessions
    refunds        who may get what back
    customer       what customers and banks do
    views          transactions as Midtrans shows them
    notices        sending, retrying, holding; notice_faults: losing, repeating, delaying, forging
    endpoint       keys and idempotency around core_api (/v2); snap_api is /snap
    control_api    /_control: acting as customer, bank and clock; pages: the same by hand
    nemesis_api    /_control: faults; book_api: the book; facts: the book in a file
    faults         misbehaving on request: the table; fault_rules: whom it strikes, by draws
    fault_layer    around every merchant's request: sight says what it is, request_log keeps it
"""
