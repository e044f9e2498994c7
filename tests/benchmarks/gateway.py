"""A gateway that has nothing to think about: one process, raw sockets, an answer at once or after a
given time.

    python -m benchmarks.gateway PORT DELAY_SECONDS

Charges are answered as a QRIS charge is (pending, with its code). `GET /_peak` tells how many
charges were ever open at the same moment.
"""

import asyncio
import sys
from typing import Final, cast

import msgspec

CHARGE: Final = {
    "status_code": "201",
    "status_message": "QRIS transaction is created",
    "merchant_id": "G000000001",
    "currency": "IDR",
    "payment_type": "qris",
    "transaction_time": "2026-11-24 10:00:00",
    "transaction_status": "pending",
    "fraud_status": "accept",
    "acquirer": "gopay",
    "qr_string": "00020101021226620014COM.GO-JEK.WWW011993600914" + "0" * 120,
    "expiry_time": "2099-11-24 10:15:00",
    "actions": [{"name": "generate-qr-code", "method": "GET", "url": "https://pay.example/qr"}],
}
_LENGTH: Final = b"content-length:"


class Gateway(asyncio.Protocol):
    """One connection; requests on it come one after the other."""

    open = 0
    peak = 0
    delay = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._read = cast(asyncio.Transport, transport), bytearray()

    def data_received(self, data: bytes) -> None:
        self._read += data
        end = self._read.find(b"\r\n\r\n")
        if end < 0 or len(self._read) < (whole := end + 4 + _length(self._read[:end])):
            return
        head, body = bytes(self._read[:end]), bytes(self._read[end + 4 : whole])
        del self._read[:whole]
        if head.startswith(b"GET /_peak"):
            self._answer(msgspec.json.encode(Gateway.peak))
            return
        answer = _charged(body) if body else _asked(head)
        Gateway.open += 1
        Gateway.peak = max(Gateway.peak, Gateway.open)
        if Gateway.delay:
            asyncio.get_running_loop().call_later(Gateway.delay, self._close_charge, answer)
        else:
            self._close_charge(answer)

    def _close_charge(self, answer: bytes) -> None:
        Gateway.open -= 1
        self._answer(answer)

    def _answer(self, body: bytes) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        self._transport.write(head.encode() + b"\r\n\r\n" + body)


def _length(head: bytearray) -> int:
    lower = head.lower()
    at = lower.find(_LENGTH)
    return int(lower[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0


def _charged(body: bytes) -> bytes:
    order = msgspec.json.decode(body)["transaction_details"]
    return _about(order["order_id"], f"{order['gross_amount']}.00")


def _asked(head: bytes) -> bytes:
    return _about(head.split(b" ", 2)[1].split(b"/")[-2].decode(), "99000.00")


def _about(order_id: str, amount: str) -> bytes:
    named = {"order_id": order_id, "transaction_id": f"t-{order_id}", "gross_amount": amount}
    return msgspec.json.encode(CHARGE | named)


async def serve(port: int, delay: float) -> None:
    Gateway.delay = delay
    server = await asyncio.get_running_loop().create_server(
        Gateway, "127.0.0.1", port, backlog=4096
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
