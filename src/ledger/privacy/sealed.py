"""Personal data as ciphertext under a key of that person; without the key it is an erased marker."""

import msgspec


class Sealed(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """AES-256-GCM of a text; `nonce` and `ciphertext` are standard base64. `subject` names the
    key's owner.
    """

    subject: str
    key_version: int
    nonce: str
    ciphertext: str
