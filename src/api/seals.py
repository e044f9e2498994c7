"""Sealing, wired: with which key, when, and to which places the settings say."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.seal_sinks import sinks
from ledger.audit.seal import public_key, signing_key
from ledger.audit.service import Sealer, Terms
from ledger.secrets import Secrets, decoded
from ledger.settings import Settings


def key(settings: Settings) -> Ed25519PrivateKey:
    """Raises MasterKeyRefused, of the seals' own key too."""
    if own := settings.seals.key.get_secret_value():
        return signing_key(decoded(own))
    return signing_key(Secrets.derived_from(settings.master_key.get_secret_value()).seal_key)


def own_keys(settings: Settings) -> list[str]:
    """The one that this deployment signs with, where its secrets are at hand."""
    secrets = (settings.seals.key, settings.master_key)
    if not any(secret.get_secret_value() for secret in secrets):
        return []
    return [public_key(key(settings))]


def sealer(settings: Settings) -> Sealer:
    given = settings.seals
    return Sealer(
        settings.database_url.get_secret_value(),
        settings.database_schema,
        key(settings),
        sinks(given),
        Terms(every_events=given.every_events, every_seconds=given.every_seconds),
    )
