"""Four eyes: what cannot be taken back is done once a second person has said the same."""

from ledger.errors import Conflict


class SecondPersonNeeded(Conflict):
    code = "second_person_needed"
    title = "You have proposed this; another person has to decide the same."
