"""The event log: one append-only table, one function that writes it, one road from a command to
facts.

    schema.sql      tables, the append function, what refuses edits, who may do what
    migrate         brings a database to this version's schema; names what belongs to a log
    store           load, decide, append; cache, conflicts, repeats, snapshots
    joining         what follows on other streams, in the same append
    turns           one command at a time on each stream
    mapping         event ↔ stored bytes; upcasts reads old ones
    committer       appends commands, many in one commit
    append_call     what is said to the append function, and what it answers
    reading         streams, snapshots and commands, many at a time
    group_call      whatever has queued, in one statement; bounds, deadlines, lost replies
    line, arrays    one connection in pipeline mode; parameters in binary
    past            what was known by a position or a moment
    snapshot_form   a state as kept bytes, under the digest of the code that made it
    recorder        the same as the `eventsourcing` library's recorder
    chain           the hash chain, as the schema computes it
    key_ring        data keys of persons
    connections     roles, search path, deadlines of a connection

Invariants: positions are gap-free and in commit order; a stream has no gaps; a command id is used
once, for ever; an entry that does not balance is refused by the table itself; nobody updates,
deletes or truncates.
"""
