"""How read models are kept: nothing here knows what any of them means.

sql         named statements from the `.sql` file beside a module
read_model  what a read model is
copying     new rows by COPY, in binary
log         the event log in pages, without gaps, and decoded
positions   how far a group of read models has come, advanced by compare-and-set
follower    one batch, one transaction: events, rows and position; never dies
suspicion   which event of a failing batch it is
quarantine  events that could not be applied: their group halts, or parks their stream
rebuild     a read schema, created, dropped, or put in the place of the live one
replay      the log from its first event, applied to a fresh read schema
digests     whether two read schemas are the same, byte for byte
"""
