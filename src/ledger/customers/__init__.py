"""Customers: who pays, in which language we speak to them, and which methods they let us charge.

What names a person (name, e-mail, phone, NPWP, address) and what a method is charged with (its token)
stands in the log only sealed, under the customer's own key and bound to the customer's stream.
A *saved method* is a card token or a linked GoPay account; shown is only its mask. A *detached* one
is never charged again. The *preferred* method is a saved one or a method of the catalogue.

    details    what is asked of names, addresses and numbers, and the form they are kept in
    events     facts        customer   state, decider
    erasure    who may erase what names a customer, and what stands against it
    service    the only file that does I/O
"""
