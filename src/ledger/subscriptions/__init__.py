"""Subscriptions: periods that follow from their anchor, and what a part of a period costs.

A *period* is one turn of a plan's interval; its number and its anchor say when it begins and ends,
never the clock. A *stretch* is a part of a period in which one price was in force.

    periods      anchor + k intervals, in the subscriber's zone
    proration    what is due for a period of several prices, without a rupiah lost or gained
"""
