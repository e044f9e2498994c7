"""Midtrans behind the port: its words become ours here and nowhere else. What it does is in
midtrans.md.

Words
    operation  what we asked for: charge, inquiry, capture, cancel, expire, approve, deny, refund
    answer     the JSON of the gateway to one operation; body and HTTP status carry a code each
    notice     what the gateway posts to us; checked here, believed nowhere (its status is not signed)

Invariants
    An answer that is late, broken, contradictory or about something else is `Unknown`, never a guess.
    `DidNot` needs proof: no byte left, or the refusal is documented.
    Nothing that names a person leaves this folder: `Evidence.said` is an allow-list. Raw bytes are told to
    the port's `Listener` alone, which seals what it keeps.

Reading order
    adapter     the port, operation by operation       verdicts      what became of a request, as tables
    connection  one exchange under a deadline          statuses      where a transaction stands, as tables
    sessions    how the HTTP library is set up         refusals      why a bank or wallet said no, in words
    requests    what we send                           instructions  what the payer needs
    answers     from bytes to an outcome               notices       what is posted to us; signature: its proof
    hosted      the same for the hosted page           wallets       a linked account, and its token of now
    wire        answers, amounts and times as sent
"""
