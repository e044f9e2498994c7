"""Coupons: a code that makes bills cheaper, for some periods or for ever.

A subscription *redeems* a coupon once, in the append that creates it; what the coupon said then
stands with the subscription, so withdrawing one later takes nothing from those who have it.

    terms      what a coupon gives, and what is allowed in it
    events     facts        coupon     decider
    service    the only file that does I/O

Invariant: a coupon of which at most n may be had is redeemed by at most n subscriptions.
"""
