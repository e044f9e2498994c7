"""What is true and what is allowed. In reading order:

    money, errors, events, decider, identity, clock   the words every area uses
    due, scheduler                                    work that facts begin and end, and who does it
    payments      a payment's life, as tables; who may be paid how; the service that talks to the gateway
    journal       double entry: accounts, posting rules, tax
    providers     the gateway, as a port and as Midtrans
    eventstore    the log: append, load, map, migrate
    access        API keys and roles
    privacy       personal data under a key of its person
    settings, secrets, logs, telemetry, interpreter   what a process is given and what it tells

`projections` (what it looks like) and `api` (every way in) build on this; nothing here imports
them.
"""
