"""The words of docs/subscriptions.md; what stands in braces is computed by api/subscription_docs.py."""

from typing import Final

TEXT: Final = """\
# Subscriptions

This file is written by `api/subscription_docs.py`: its tables are those of
`src/ledger/subscriptions/life.py` and `src/ledger/subscriptions/policies.py`, its sums are made by the
code that bills. Why it is built like this: [decision 18](decisions/0018-subscriptions.md).

Amounts are whole rupiah. Days and months are those of the subscriber's zone (WIB, WITA or WIT); none
of them knows summer time. What is stored is UTC.

## The life of a subscription

A fact may be added only from the states that its row names; whatever is asked in another state is
answered with the code `subscription_state_forbids`.

| state | access | what it means |
|---|---|---|
| `incomplete` | no | Its first bill is not paid. After {incomplete_hours} hours it expires;\
 one that had lived before is cancelled again. |
| `trialing` | yes | Nothing is charged yet. |
| `active` | yes | What is due is paid, or is just being pulled. |
| `in_grace` | yes | A bill is overdue, and its policy gives grace. |
| `past_due` | no | A bill is overdue, and grace is over or there is none. |
| `unpaid` | no | Given up. Nothing is billed until the bill is paid. |
| `paused` | no | By a person, or by a policy. Nothing is billed. |
| `cancelling` | yes | It will end; until then it is as `active`. |
| `cancelled` | no | Nothing more is asked for, nothing under way is waited for. |
| `expired` | no | It never began. |

Facts that leave the state as it is are in the table only.

{picture}
| fact | topic | from | to |
|---|---|---|---|
{rows}
## Periods

Period *k* begins at the anchor plus *k* intervals, whenever somebody looks. A month that is too short
ends a period on its last day, and the next longer one comes back: from January 31 on, periods begin on
{month_ends}.

The anchor is the moment at which the first period begins: when it is created, or when its trial ends.
With `billingDay` the anchor is that day of the month, and a first period that is entered late costs
its part: 99,000 a month with billing day 31, begun on June 10, costs {first_part} for the 20 of 30
days until June 30.

A new anchor is set when it is resumed after what was paid for was over, when it begins anew after it
had ended, and by another interval.

Each period is opened once: the subscription's next number, its bill and the request for its money are
one append. A bill that was issued ahead and is not paid can be withdrawn, and the period is then
billed anew.

## Paying

**Pulled**: a saved card or GoPay account is charged when the period begins. While the charge is under
way the bill counts as paid; when it fails, dunning begins, and what is due of it at once is done with
it. Tokens of GoPay rotate, so the one of now is fetched before each charge: of the option that was
saved while its token lasts, else of the wallet.

**Pushed**: an account number, QR code, store code or page is sent `issuedDaysAhead` days before the
period begins (the plan says how many), though not before the period before has begun, and the payer is
reminded {reminder_days} day before. When the period begins the bill is overdue. Instructions that run out before are
renewed. A bill that comes late, after a downtime or for a change, is due as many days after
it was issued; {shortest_days} at least.

When the way of paying changes, an overdue or first bill is tried by it at once, and a bill that was
sent ahead is pulled when it is due.

**Credit** comes from downgrades, from cancellations with credit, and from money for a bill that was
paid already. The next bill uses it. It leaves no remainder below the least that the payment method
takes: of 95,000 credit for a bill of 99,000 a card, which takes 10,000 at least, uses 89,000. Below
zero, it is what is owed from before, and comes on the next bill.

**Coupons** take a percentage (rounded half up) or an amount off so many bills, never more than the
price. A change within a period leaves the coupon of that period in force, though it may be used up;
one that is given within a period takes off the rest of it, and is counted from the next bill on.

## Changes

| mode | when | money |
|---|---|---|
| `prorate_now` | at once, or at the date | more is billed now; less is credit |
| `prorate_at_renewal` | at once, or at the date | more comes on the next bill; less is credit |
| `next_period` | when the next period begins that is not paid for | none |
| `none` | at once, or at the date | none; the price changes with the next bill |

What a period costs is computed from all the prices that were in force in it, and rounded once; a
change brings the difference to what the period was charged. So the parts sum to the whole, going up
and down at once costs nothing, and no series of changes gives back more than was paid. By the day, a
day that has begun costs what it cost when it began; days begin at the time of day at which the period
does. June 2027 at 99,000, from June 1 at 10:00, tax included:

| change | before | June costs | net | tax | the change brings |
|---|---|---|---|---|---|
{proration}
- When the next period is paid ahead, its difference is charged or given too.
- More that is too little to be asked for (a card takes 10,000 at least) comes on the next bill.
- Less is taken first off what the next bill would have carried, then off the newest bills; each bill
  learns how much of its revenue is no longer earned, and for which product the rest is.
- Another interval ends the running period at once, with credit for the rest, and begins a new one;
  with `next_period` and `none` it waits for the next period.
- Plans with another tax mode follow only from one period to the next.
- On trial a change costs nothing, and the trial ends when it would have.
- While a bill is open nothing is prorated (`subscription_bill_open`); a change that was scheduled
  waits, and counts from its date.
- A newer change takes the place of one that is scheduled.
- A preview is the decision itself, stored nowhere. The change made with its quote is made as of the
  quoted moment, and refused once anything else has happened (`quote_stale`).

## Over HTTP

| request | does |
|---|---|
| `POST /api/v1/subscriptions` | sells the newest version of a plan to a customer |
| `GET /api/v1/subscriptions/{{id}}` | as it stands, with what to pay and the next renewal |
| `PUT /api/v1/subscriptions/{{id}}` | changes what is sold, or how it is paid |
| `POST …/preview` | what that change would bring, and a quote |
| `DELETE /api/v1/subscriptions/{{id}}` | ends it: with what is paid for, on a date, or `now` |
| `POST …/pause`, `…/resume`, `…/reactivate` | stops billing, goes on, takes an ending back |
| `DELETE …/scheduled-change` | withdraws a change that waits for its date |
| `POST …/missed-periods` | bills the oldest period that nobody billed |
| `GET /api/v1/bills/{{id}}` | lines, tax, payments, and what of it is earned |

- A date is a day as `2027-01-31`, which begins at midnight in the subscriber's zone (today is now), or
  a moment with its offset.
- What a `PUT` does not name stays: without `planId` also the version, with it the newest. `couponCode`
  may be empty: no coupon. Plan and way of paying are changed by two requests (`change_one_thing`).
- Every answer has an `ETag`; with `If-Match` nothing is done to what has changed since
  (`version_differs`). Two changes that race are never both made of the same state: one is refused
  (`subscription_moved`).
- `quoteId` is signed and good for {quote_minutes} minutes, for just this change of this subscription
  (`quote_invalid`, `quote_expired`), and until anything happens, also to the plan (`quote_stale`).
- A repeat with the same `Idempotency-Key` is answered as the first was, whatever would be refused by
  now. 202 says that it is done and the gateway has not answered about a payment yet.

## Ending

- Without a date it ends with what is paid for, the trial included; with a date then, and renews until
  then. At once, what is open is dropped. One that is not running, or has an overdue bill, ends at once.
- With credit, what is paid and not used becomes the subscription's credit, by the same sums as a
  change to nothing. Bills that were dropped unpaid give none. What goes back, from when a refund is asked
  for, is not given as credit, and what was given as credit is not refunded (`refund_exceeds_bill`).
- Money that comes for a dropped bill after all is credit.
- In a pause nothing is billed and there is no access; periods that are paid for run on. Resumed within
  them, it goes on as before; later, a period begins then.
- One that has ended, or was given up, can begin anew: with a period from then on, the credit it has,
  and nothing owed.

## An overdue bill

Every plan names a policy. Steps are counted in days from when the bill was due. When somebody looks
more than {downtime_hours} hours late, what follows keeps its distance instead of coming all at once.

{policies}
| step | what is done | passed over |
|---|---|---|
| `remind` | An event says so: `overdue`, or `method_needed` when time alone will not help. | |
| `retry` | The method is pulled again; pushed instructions are renewed once they\
 have run out. | A payment is under way; instructions are valid; the refusal needs the customer, or is\
 for ever, and the method is the same. |
| `fallback` | The first of the fallback methods is pushed. | There is none, or a payment is under way. |
| `end_grace` | Access ends. | |
| `cancel` | All open bills are dropped. | |
| `pause` | The bill is given up, but still owed. | |
| `mark_unpaid` | The bill is given up, but still owed. | |

While a bill is overdue no other period is opened. A late payment recovers the subscription, also when
it is `unpaid` or was paused by its policy; other payments under way for the bill are withdrawn. A
payment that does not last makes its bill due again: that is not pulled by itself, and whatever credit
came of it is withdrawn until it is paid again. A change that is not paid is dunned as any bill, and
ends the subscription as any bill does.

## What happens when

| when | what |
|---|---|
| it is created | Period 1, its bill and a payment; with a trial nothing until it ends. |
| {trial_days} days before a trial ends | A reminder, `trial_ending`. |
| a period begins | It is opened and pulled; bills that are pushed were issued before. |
| a scheduled change or end is due | It is made as of its date, however late somebody looks. |
| somebody looks late | The newest of the periods that passed are billed ({missed} at most), older\
 ones are only noted; a person may bill them. |
| the clock is set back | Nothing twice: periods, steps and changes keep their order. |

## Codes

| code | meaning |
|---|---|
{codes}"""
