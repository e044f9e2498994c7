"""Where something of a person may stand, and what an erasure does there: every table and column, and what
is no table.

A test reads the migrated database and fails at a column that is not here, so that no new one is
forgotten. What stands in the log only sealed needs no purge: its key is destroyed.
"""

from typing import Final, NamedTuple

# What is at hand for a purge: the customer's id, and everybody's whose keys are destroyed.
ANSWERS: Final = "delete from idempotency_answers where subject = any(%(subjects)s)"
OF_THEIR_PAYMENTS: Final = """
delete from {table}
using (
    select payment_id from payments where customer_id = %(customer_id)s and customer_id <> ''
    union all select unnest(%(subjects)s::text[])
) as theirs
where order_id collate "C" > theirs.payment_id || '-' and order_id collate "C" < theirs.payment_id || '.'
"""
NOTICES: Final = OF_THEIR_PAYMENTS.format(table="inbox")
GATEWAY_ANSWERS: Final = OF_THEIR_PAYMENTS.format(table="gateway_answers")
# Gone as soon as the read model has applied the approval, however often it is made anew.
FORGETS: Final = "the read model forgets them at customer.erasure_approved.v1"


class Table(NamedTuple):
    """Columns by what may stand in them; `purge` is SQL, or says who does it.

    nameless  ids and words of ours, amounts, times, accounts: they tell of nobody without the rest
    sealed    ciphertext under the person's key, and the key itself
    callers   the caller's own ids and words. No person belongs there (docs/security.md); they stay
    decided   payment instructions and the mask of a card, in clear by decision 5; they stay
    personal  what is purged
    """

    name: str
    nameless: str = ""
    sealed: str = ""
    callers: str = ""
    decided: str = ""
    personal: str = ""
    purge: str = ""

    @property
    def columns(self) -> list[str]:
        kinds = (self.nameless, self.sealed, self.callers, self.decided, self.personal)
        return " ".join(kinds).split()


LOG: Final = (
    Table(
        "events",
        nameless="originator_version topic notification_id hash command_id fingerprint",
        sealed="state",  # personal data in it; the rest of it is of all the other kinds
        callers="originator_id",  # of customers, plans and coupons
    ),
    Table(
        "key_ring",
        nameless="version destroyed_at made",
        callers="subject",
        sealed="wrapped",
    ),
    Table("snapshots", nameless="version format", callers="stream", sealed="state"),
    Table("seals", nameless="number position seal edge made_at"),
    Table("migrations", nameless="name sha256 applied_at"),
    Table(
        "idempotency_answers",
        nameless="account key fingerprint status media_type answered_at",
        callers="subject",
        personal="body",
        purge=ANSWERS,
    ),
    Table(
        "inbox",
        nameless="digest order_id transaction_id said received_at not_before tries done_at outcome",
        personal="sealed_body",  # under the month's key, which is many persons'
        purge=NOTICES,
    ),
    Table(
        "gateway_answers",
        nameless="digest order_id received_at",
        personal="sealed_body",  # under the month's key, too
        purge=GATEWAY_ANSWERS,
    ),
    Table(
        "work_claims",
        nameless="kind subject due_at not_before tries at_work",
        callers="stream",
    ),
    Table("second_looks", nameless="look through not_before"),
    Table("simulated_clock", nameless="only_one ahead frozen_at changed_by"),
)

HISTORY: Final = "version position topic occurred_at recorded_at actor command_id correlation_id"

READ: Final = (
    Table("tracking", nameless="application_name notification_id"),
    Table(
        "quarantine",
        nameless="read_group position version topic outcome error code detail since",
        callers="stream",
    ),
    Table(
        "balances",
        nameless="account currency balance_minor debit_minor credit_minor postings position",
    ),
    Table(
        "entries",
        nameless="entry_id position stream rule words effective_on original_on occurred_at recorded_at"
        " cause_version reverses",
    ),
    Table("legs", nameless="entry_id leg account minor currency position effective_on"),
    Table(
        "daily_sums",
        nameless="account currency effective_on block debit_minor credit_minor postings",
    ),
    Table(
        "monthly_sums", nameless="account currency month block debit_minor credit_minor postings"
    ),
    Table("closed_periods", nameless="period until closed_at closed_by position", callers="reason"),
    Table("entry_blocks", nameless="block recorded_from recorded_until"),
    Table(
        "payments",
        nameless="payment_id status under_review method requested_method amount_minor currency"
        " captured_minor refunded_minor refund_confirmed_minor fee_minor net_minor subscription_id"
        " order_id transaction_id attempts expires_at created_at updated_at first_position version"
        " position",
        callers="customer_id metadata",
    ),
    Table(
        "payment_events",
        nameless=f"payment_id {HISTORY}",
        decided="event",  # personal data only as {"sealed": true}
    ),
    Table("attempt_methods", nameless="payment_id attempt method answered"),
    Table("method_health", nameless="method minute ok failed"),
    Table("due_work", nameless="kind subject due_at position", callers="stream"),
    Table(
        "reviews",
        nameless="payment_id rule subject words asked_at position decision proposed_by",
        callers="reason",
    ),
    Table(
        "customers",
        nameless="language created_at updated_at erased_at first_position position",
        callers="customer_id",
        personal="methods preferred",
        purge=FORGETS,
    ),
    Table(
        "plans",
        nameless="version product price_minor currency interval_unit interval_count trial_days"
        " tax_mode dunning_policy proration proration_by issued_days_ahead retired_at created_at"
        " updated_at first_position position",
        callers="plan_id name",
    ),
    Table(
        "coupons",
        nameless="percent amount_minor currency periods plans redeem_by most redeemed withdrawn_at"
        " created_at first_position position",
        callers="code",
    ),
    Table(
        "subscriptions",
        nameless="subscription_id status has_access plan_id plan_version plan_name product"
        " price_minor currency interval_unit interval_count quantity coupon method pulled zone"
        " periods paid_until next_at renews_at renewal_minor trial_ends_at cancel_at resume_at"
        " scheduled credit_minor owed_minor missed created_at updated_at first_position position",
        callers="customer_id metadata state",
    ),
    Table(
        "bills",
        nameless="bill_id subscription_id number period reason status plan_id sold_as product"
        " coupon starts_at ends_at due_at currency net_minor tax_minor total_minor discount_minor"
        " credit_minor to_pay_minor attempts method trouble failure failure_words paid_by paid_at"
        " credited_minor refunded_minor recognised_minor unearned_minor lines invoice_number"
        " created_at updated_at first_position position",
        callers="customer_id",
    ),
    Table("billing_events", nameless=f"stream {HISTORY}", callers="event"),
    Table(
        "recurring_movements",
        nameless="subscription_id moment position version topic month kind minor level_minor"
        " currency plan_id",
        callers="customer_id",
    ),
    Table(
        "recurring_standing",
        nameless="subscription_id plan_id currency counts has_paid price_minor next_minor next_at"
        " level_minor has_counted ahead_minor ahead_at ahead_position moved_at",
        callers="customer_id",
    ),
)


class Elsewhere(NamedTuple):
    """What is no table. docs/security.md says the same, and a test that it does."""

    name: str
    becomes: str


ELSEWHERE: Final = (
    Elsewhere("keys in memory", "forgotten within a minute, in every process"),
    Elsewhere("quotes", "not stored; they hold fingerprints of what was asked"),
    Elsewhere("logs of processes", "nothing personal is written to them"),
    Elsewhere("exports", "of the log, with ciphertext; of the journal, without any of it"),
    Elsewhere("answers to access requests", "not kept here; who asked stands in the log"),
    Elsewhere("write-ahead log and backups", "the wrapped key, until they are written over"),
    Elsewhere("the gateway", "has what it was sent; unlink accounts and ask for erasure there"),
)

PURGES: Final = {table.name: table.purge for table in (*LOG, *READ) if table.purge}
