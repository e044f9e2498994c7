"""One master key, several derived keys, none of them ever shown."""

import base64
import os

import pytest

from ledger.secrets import MasterKeyRefused, Secrets

MASTER = base64.b64encode(bytes(range(32))).decode()


def test_the_same_master_key_always_gives_the_same_keys_and_no_two_are_alike():
    one, again = Secrets.derived_from(MASTER), Secrets.derived_from(MASTER)
    keys = {one.key_pepper, one.cursor_key, one.quote_key, one.key_ring_master}

    assert one == again
    assert len(keys) == 4
    assert {len(key) for key in keys} == {32}


def test_derivation_is_fixed_for_ever():
    # Computed once; another value here would lock every key and every person's data out.
    secrets = Secrets.derived_from(MASTER)

    assert secrets.key_pepper.hex()[:16] == "702e31084e465434"
    assert secrets.cursor_key.hex()[:16] == "3d48f8dee2d2b8c2"
    assert secrets.quote_key.hex()[:16] == "75d3a97ff522d8f8"
    assert secrets.key_ring_master.hex()[:16] == "ba37b61562667682"


def test_secrets_do_not_show_themselves():
    secrets = Secrets.derived_from(base64.b64encode(os.urandom(32)).decode())

    for shown in (repr(secrets), str(secrets), f"{secrets}"):
        assert shown == "Secrets(***)"


@pytest.mark.parametrize(
    "master",
    [
        "",
        "changeme",
        "not base64 é",
        "A" * 43 + "=",
        base64.b64encode(b"k" * 31).decode(),
        "YWI=" * 11,
    ],
)
def test_a_master_key_that_is_short_guessable_or_garbled_is_refused(master: str):
    with pytest.raises(MasterKeyRefused) as refused:
        Secrets.derived_from(master)

    assert master not in str(refused.value) or not master
