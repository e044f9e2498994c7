"""Plans: what is sold again and again, at which price, in versions.

A *plan* has terms in one version after another; the newest is sold. A subscription keeps the version
it was sold, so a new price never alters what is running. A *retired* plan takes no new subscriptions.

    terms      what one version says, and what is allowed in it
    events     facts        plan       decider
    service    the only file that does I/O
"""
