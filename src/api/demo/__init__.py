"""`bukubesar demo`: one evening of a shop, told over HTTP, and the proof that every rupiah of it is
booked.

story.py         the acts in their order, and what is printed at the end
stage.py         a fresh deployment of its own, started and always stopped
client.py        the API as a merchant sees it; the gateway as payers and banks do
answers.py       what the API answers, as far as it is read here
waiting.py       asking again until a deadline
scene.py         what acts share: buying, paying, waiting
buying.py        every method, every family, every kind of card
going_wrong.py   the gateway is down, codes expire, wallets refuse, banks take money back
giving_back.py   refunds, and those that are refused
notices.py       notices that come twice, late, in the wrong order, or from somebody else
proving.py       the books, the gateway's own book, and the replay of the log
auditing.py      files that others check: the sealed log, the journal added up again; a number explained
checks.py        what is claimed, what was expected, what was found
timing.py        how long payments took
table.py         what is printed
"""
