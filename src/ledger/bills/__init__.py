"""Bills: what a period of a subscription, or a change within one, costs; paid, earned, and undone.

Terms
    to pay      the whole bill, less the credit that pays a part of it; credit below zero is owed
                from before and comes on top
    collection  a payment that was asked for; several may be under way, one pays
    paying one  the payment that the bill is paid by; every other one's money is customer's credit
    schedule    net revenue of one product, earned day by day (in Jakarta) until the bill's end; at
                most the last one is still running
    sold as     the product that the payment booked its revenue under, whatever it is now

Invariants
    To record what happened to a payment is never refused, and brings nothing the second time.
    What was given as credit and what goes back, from when it is asked for, is at most what paid the bill.
    Deferred revenue is what the schedules have not earned, to the rupiah, per product; never less
    than nothing.
    A bill whose payment did not last leaves no trace in any account, but for refunds that stand.
    A bill knows nothing of its subscription's rules, nor how it is paid: others follow its facts.

Reading order
    events, commands    the contract
    life                the table of states    bill   the state    folding   how facts move it
    billing             open, collect, paid, void, written off
    earning             days, schedules, recognition
    changing            another product, or less
    undoing             refunds, payments that did not last, disputes
    deciding            command → rule; each fact with its journal entries
    payments_facts      a payment's fact → what its bill is told      trouble   why it was not paid
    due                 when the next day is earned
"""
