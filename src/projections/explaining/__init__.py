"""Why a number is what it is, and a state what it is: a tree down to what was recorded, by whom, and what
the gateway said.

Terms:
    explanation   a tree of nodes; its root is the number or the state that was asked about
    level         parts that stand for many: months, days, kinds of movement. They are opened one by one
    rest          what a page leaves over; it says how to go on, and counts like any other part
    story         events of the log with all that was appended together with each
    kept          what is kept beside the log: the gateway's notices and answers, and who was erased

Invariants:
    The parts of an amount come to the amount, on every level and every page; the program adds them up
    itself and gives no explanation otherwise (ExplanationBroken).
    Each part is read by another way than the number: postings and not sums, the log and not read models.
    A state is what its events make of nothing, and each step begins where the one before it ended.

Reading order: tree.py, story.py (and its SQL), accounts.py, states.py, revenue.py. What is kept is read by
api/kept_beside.py, and what is asked over HTTP and at the terminal goes through api/explaining.py.
"""
