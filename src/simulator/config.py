"""What one simulated merchant account is set up with."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Config:
    server_key: str = "SB-Mid-server-bukubesar"
    client_key: str = "SB-Mid-client-bukubesar"
    merchant_id: str = "G000000001"
    notify_url: str = ""  # empty: notices go only where a request's own headers point
    notify_delay_seconds: float = 0.0
    notify_time_scale: float = 1.0  # 0.001 turns the two minutes before the first retry into 0.12 s
    refund_confirm_seconds: float = 1.0  # between a refund and the bank's confirmation of it
    public_url: str = "http://127.0.0.1:8081"  # what the URLs in our answers begin with
    tick_seconds: float = 0.2  # how often the agenda is looked at when no request does
    book: str = ""  # file that charges and refunds are appended to as they happen; empty: none
