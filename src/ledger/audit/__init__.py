"""Seals: signed statements of what the log was, kept where its owner cannot change them.

The chain of hashes shows a change to whoever remembers a later hash; whoever can rewrite the whole log
can make a new chain. So every minute, or every thousand events, a seal is made: a Merkle root over
the rows since the one before, the hash in the chain, the time, signed, and written to places outside the
database. docs/decisions/0020-seals.md says why it looks as it does.

    merkle    trees as in RFC 6962
    leaf      what a leaf covers: a whole row of the log
    seal      what is signed; one after the other, without gaps
    proof     that an event is under a seal, and that a later seal continues it
    proving   the same, from the database
    sink      where seals go
    service   makes them; does I/O

Terms: a *range* is the events of one seal; its *leaves* are their rows, hashed. The *tree* has a leaf
for each range, so that it commits to the whole log and grows by one. A *mark* is the beginning of a
leaf hash: it says which event of a range was changed.

Invariants: seal n names seal n - 1 and begins where that ended; only what is committed is sealed; a
seal is never changed, and never made over a log that is not what the seal before says.
"""
