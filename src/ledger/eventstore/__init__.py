"""The event log: one append-only table, one function that writes it, one road from a command to
facts.

    schema.sql      tables, the append function, what refuses edits, who may do what
    migrate         brings a database to this version's schema; names what belongs to a log
    append_call     one call of the append function, with a deadline
    committer       group commit: one thread, one connection, whatever has queued
    recorder        the same as the `eventsourcing` library's recorder
    mapping         event ↔ stored bytes; upcasts reads old ones
    store           load, decide, append; cache, conflicts, repeats
    chain           the hash chain, as the schema computes it
    key_ring        data keys of persons
    connections     roles, search path, deadlines of a connection

Invariants: positions are gap-free and in commit order; a stream has no gaps; a command id is used
once, for ever; an entry that does not balance is refused by the table itself; nobody updates,
deletes or truncates.
"""
