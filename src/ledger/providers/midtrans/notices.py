"""What the gateway posts to us: shape first, then signature; after that it is still only a hint.

The signed text is joined without separators and leaves out the status (midtrans.md 10.3). The shape
check closes what it can of the boundary trick; the rest is harmless because a notice only makes us
ask.
"""

import hashlib
import json
import re
from typing import Any, Final, NoReturn

from ledger.providers.midtrans.signature import is_signed
from ledger.providers.port import Notice, NoticeForged, NoticeMalformed

MAX_NOTICE_BYTES: Final = 64 * 1024
# Ids of the gateway's own making have up to 255 characters (4.3), ours fewer. Codes: 10.4.
SHAPES: Final = {
    "order_id": re.compile(r"[A-Za-z0-9_~.-]{1,255}"),
    "status_code": re.compile(r"200|201|202"),
    "gross_amount": re.compile(r"[1-9][0-9]{0,14}\.00"),
    "signature_key": re.compile(r"[0-9a-f]{128}"),
    "transaction_id": re.compile(r"[A-Za-z0-9_~.-]{1,255}"),
    "transaction_status": re.compile(r"[A-Za-z_]{1,32}"),
    "fraud_status": re.compile(r"[A-Za-z_]{0,32}"),
}
OPTIONAL: Final = {"fraud_status": ""}


def read_notice(body: bytes, server_key: str) -> Notice:
    """Raises NoticeMalformed or NoticeForged, and nothing else, whatever the bytes are."""
    fields = _fields(body)
    if not is_signed(fields, server_key):
        raise NoticeForged()
    words = f"{fields['transaction_status']} {fields['fraud_status']}".strip().lower()
    return Notice(
        order_id=fields["order_id"],
        transaction_id=fields["transaction_id"],
        status_words=words,
        digest=hashlib.sha256(body).hexdigest(),
    )


def _fields(body: bytes) -> dict[str, str]:
    parsed = OPTIONAL | _object(body)
    for name, shape in SHAPES.items():
        value = parsed.get(name)
        if not (isinstance(value, str) and shape.fullmatch(value)):
            raise NoticeMalformed(field=name)
    return {name: parsed[name] for name in SHAPES}


def _object(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_NOTICE_BYTES:
        raise NoticeMalformed("This notice is too long.")
    try:
        parsed = _DECODER.decode(body.decode())
    except (ValueError, RecursionError):
        raise NoticeMalformed("This is not the JSON of a notice.") from None
    if not isinstance(parsed, dict):
        raise NoticeMalformed("This is not a JSON object.")
    return parsed


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two readers of one body must not see two values."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a key occurs twice")
    return fields


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse)
