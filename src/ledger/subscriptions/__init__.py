"""Subscriptions: what is owed for each period, how it is collected, and when it ends.

A *period* is one turn of a plan's interval; its number and its anchor say when it begins and ends,
never the clock. A *stretch* is a part of a period in which one price was in force. *Credit* belongs
to the subscription and is used by its next bill. *Carried* is what a change left to the next bill.
*Dunning* is what a policy does about an overdue bill, step by step; *grace* is the part of it with
access. *To look at*: when time will bring something about, which the newest fact says (`next_at`).

    periods      anchor + k intervals, in the subscriber's zone
    proration    what is due for a period of several prices, without a rupiah lost or gained
    pricing      what is sold costs so much, of it tax
    policies     dunning, as tables
    life         the table of states          subscription   state
    events       facts                        commands       what can be asked
    charged      what a period was charged, price by price and bill by bill
    difference   what another price brings for what was charged
    folding      fact → state                 owing          fact about a bill → state
    story        facts of one decision, folded as they come
    timers       when to look again           advancing      what time brings, as a table
    opening      begin, and open periods      asking         a payment for a bill
    collecting   paid, not paid, undone       dunning        from the first failure to the last step
    changing     plan, price, quantity        ending         pause, resume, cancel, begin again
    deciding     command → rule               forecast       what time will bring if everybody pays
    billing      what stands on a bill        ways           of paying: pulled and pushed
    preview      what a change would bring, read off its facts
    following    fact → what follows on bills and payments, in the same append
    service      the only file that does I/O

Invariants: a period is opened once, and billed anew only after its bill was withdrawn unpaid;
between two anchors periods follow each other without gap or overlap; what a period was charged is
what its prices come to, rounded once; credit never exceeds what was paid; whatever waits for a
moment is a row of `advancing.TURNS`, so that looking then always brings a fact; what records money
that moved is never refused; once a subscription has ended nothing more is asked for.

Each `PeriodOpened`, its bill and the request for its money are one append, and so are a capture,
the bill it pays and the subscription it renews.
"""
