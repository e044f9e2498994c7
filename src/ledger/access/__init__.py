"""Who may do what: API keys, the roles they carry, and the permissions of each role.

Terms:
    key         `bkb_<id>_<secret>_<checksum>`, shown once; the log holds a keyed hash of it
    account     whose key it is: a service or a person of the merchant; it owns what it creates
    role        what kind of user the key is for; the table in roles.py says what it may do
    permission  `resource:action`, declared by every route that is not public
    caller      account, role and key of one request

Invariants:
    A dump of the database lets nobody in: the hash needs a pepper that is not in it.
    A key lives at most a year; a revoked or expired one is refused within five seconds everywhere.
    Whoever is refused is not told why: unknown, wrong, revoked and expired look the same.

Read in this order: roles.py, caller.py, key_format.py, events.py, api_key.py, service.py.
"""
