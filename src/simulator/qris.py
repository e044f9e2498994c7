"""QR codes as Indonesian banks read them: an EMV string with its checksum, and its picture."""

from binascii import crc_hqx
from io import BytesIO

import segno


def _part(tag: str, value: str) -> str:
    return f"{tag}{len(value):02}{value}"


def qr_string(transaction_id: str, amount: int, merchant_id: str) -> str:
    """A dynamic QR code in rupiah. It ends in the CRC-16/CCITT of all that stands before."""
    account = _part("00", "ID.CO.QRIS.WWW") + _part("02", merchant_id) + _part("03", "UMI")
    unsigned = (
        _part("00", "01")
        + _part("01", "12")
        + _part("51", account)
        + _part("52", "5999")
        + _part("53", "360")
        + _part("54", str(amount))
        + _part("58", "ID")
        + _part("59", "Bukubesar Simulator")
        + _part("60", "JAKARTA")
        + _part("62", _part("05", transaction_id.replace("-", "")[:25]))
        + "6304"
    )
    return f"{unsigned}{crc_hqx(unsigned.encode(), 0xFFFF):04X}"


def png(text: str) -> bytes:
    picture = BytesIO()
    segno.make(text).save(picture, kind="png", scale=6, border=4)
    return picture.getvalue()
