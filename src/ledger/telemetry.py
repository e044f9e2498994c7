"""Every metric we expose. Labels take few values: route templates, never paths."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

# From a fast read to the 30 s after which a client gives up (reliability.md 4.14).
SECONDS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

HTTP_REQUESTS: Final = Counter(
    "bukubesar_http_requests_total",
    "Answered requests.",
    ("method", "route", "status"),
)
HTTP_SECONDS: Final = Histogram(
    "bukubesar_http_request_seconds",
    "Time from the request's first byte to the answer's last.",
    ("method", "route", "status"),
    buckets=SECONDS,
)
HTTP_IN_FLIGHT: Final = Gauge(
    "bukubesar_http_requests_in_flight",
    "Requests being worked on.",
)


NOTICES: Final = Counter(
    "bukubesar_notices_total",
    "Notices of the gateway that carried its signature, by whether they were here before.",
    ("arrival",),
)
GATEWAY_ANSWERS_LOST: Final = Counter(
    "bukubesar_gateway_answers_lost_total",
    "Answers of the gateway whose raw bytes were not kept; of each the log has the SHA-256.",
)
WORK_DONE: Final = Counter(
    "bukubesar_work_done_total",
    "Pieces of work that a worker carried out, by kind.",
    ("kind",),
)
PROJECTION_LAG: Final = Gauge(
    "bukubesar_projection_lag_events",
    "Events in the log that a group of read models has not applied yet.",
    ("group",),
)

BREAKER_OPEN: Final = Gauge(
    "bukubesar_breaker_open",
    "1 while this process leaves a gateway in peace that has failed too often.",
    ("gateway",),
)
PROJECTION_QUARANTINED: Final = Gauge(
    "bukubesar_projection_quarantined_events",
    "Events at which a group of read models is halted, or whose stream it has parked.",
    ("group", "outcome"),
)
CLOCK_SIMULATED: Final = Gauge(
    "bukubesar_clock_simulated",
    "1 where the database has a simulated clock: no real money is there.",
)
UNSEALED: Final = Gauge(
    "bukubesar_unsealed_events",
    "Events in the log that no seal covers yet.",
)
SEAL_AGE: Final = Gauge(
    "bukubesar_seal_age_seconds",
    "Since the newest seal was made, while there are events that it does not cover; else 0.",
)

METRICS: Final = (
    HTTP_REQUESTS,
    HTTP_SECONDS,
    HTTP_IN_FLIGHT,
    NOTICES,
    GATEWAY_ANSWERS_LOST,
    WORK_DONE,
    PROJECTION_LAG,
    PROJECTION_QUARANTINED,
    BREAKER_OPEN,
    CLOCK_SIMULATED,
    UNSEALED,
    SEAL_AGE,
)
