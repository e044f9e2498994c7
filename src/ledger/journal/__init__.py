"""Journal: double entry, in the same append as the fact that moved the money.

Terms
    account   a colon path such as `Assets:Gateway:Midtrans:Pending`; opened by use, but only if
              the chart has a row for it
    leg       one side of an entry on one account: debit positive, credit negative
    entry     two or more legs that sum to zero per currency; the fact `EntryPosted`
    rule      the row of the posting rules that made an entry, such as "P1"; amounts come from the
              fact, never from the rule
    share     an amount that includes tax, as revenue (net) and output tax (PPN)

Invariants
    Every entry balances per currency, or is not made (UnbalancedEntry).
    Entries are never edited. What did not last is taken back by its exact reverse: rule "P22",
    where `reverses` names the rule of the entry taken back.
    The same fact always gives the same entries: nothing is looked up, nobody asks for the time.
    Every event of a payment or a bill has a rule or is listed as moving no money; nothing falls between.
    Parts sum to the whole: the tax of a part is the tax of the running total, less what was taken.

Reading order
    events          EntryPosted and Leg
    chart           the accounts: code, normal side, kind, what must drain, names in two languages
    entry           building an entry, and its reverse
    tax             PPN by date: rates, the inclusive split, the tax of a part
    period          months, closed once; which day an entry counts for       service   closing one
    accounts        the names that posting rules use
    posting_rules   which event makes which entry    bill_posting_rules   those of a bill
"""
