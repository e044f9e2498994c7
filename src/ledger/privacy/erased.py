"""What is refused for a person whose data was erased."""

from ledger.errors import Conflict


class SubjectErased(Conflict):
    code = "subject_erased"
    title = "The personal data of this subject was erased; no more can be kept for it."
