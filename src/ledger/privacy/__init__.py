"""Personal data, sealed under a key of the person: destroying the key erases it everywhere.

Terms:
    subject    whose data it is: a random id that by itself names nobody (a payment, a customer)
    data key   32 random bytes of one subject, wrapped by the master key and kept in the key ring
    erased     sealed data whose data key is destroyed; it opens to None, never to an error

Invariants:
    Events, read models and logs hold personal data only as `Sealed`. Everything else in an event
    means something without the key, so books are the same before and after an erasure.
    A ciphertext opens only for the subject, field and stream it was sealed for.
    A destroyed key stays destroyed; nothing new can be sealed for that subject.

Read in this order: sealed.py (what an event holds), sealing.py (the cipher), then
ledger/eventstore/key_ring.py (where keys live), then service.py (erasing a person) with
ledger/customers/erasure.py (who may).

How far erasure reaches: docs/security.md.
"""
