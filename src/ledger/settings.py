"""Every knob, with its unit and reason. Built once, in api/wiring.py; nobody else reads the
environment.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class MidtransSettings(BaseModel):
    """The merchant's account at the gateway; sandbox and production differ only in these."""

    model_config = ConfigDict(frozen=True)

    server_key: SecretStr = SecretStr("")
    core_url: str = "https://api.sandbox.midtrans.com"
    snap_url: str = "https://app.sandbox.midtrans.com"
    charge_seconds: float = Field(
        10.0, gt=0, le=30
    )  # the whole call, from connect to the last byte
    inquiry_seconds: float = Field(5.0, gt=0, le=30)


class SealSettings(BaseModel):
    """When the log is sealed, with which key, and where seals go besides the database."""

    model_config = ConfigDict(frozen=True)

    every_events: int = Field(1_000, ge=1, le=100_000)
    every_seconds: float = Field(60.0, ge=1)
    # 32 random bytes in base64; empty: derived from the master key. Only workers need it.
    key: SecretStr = SecretStr("")
    # One line a seal; best on a volume that whoever has the database cannot write.
    file: Path | None = None
    folder: Path | None = None  # a file for each seal


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="BUKUBESAR_", env_nested_delimiter="__", frozen=True, extra="ignore"
    )

    # Empty: `bukubesar up` starts its own PostgreSQL; every other command then needs one running.
    database_url: SecretStr = SecretStr("")
    # A log is one PostgreSQL schema (architecture.md 10); roles and channels are named after it.
    database_schema: str = Field("bukubesar", pattern=r"^[a-z][a-z0-9_]{0,40}$")
    # 32 bytes in base64. All keys of ours are derived from it; without it no API key or personal
    # field can be read.
    master_key: SecretStr = SecretStr("")
    # PostgreSQL binaries to use instead of those of the wheel.
    postgres_bin: Path | None = None

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    readers: int = Field(12, ge=1, le=100)  # reading connections a process

    midtrans: MidtransSettings = MidtransSettings()
    seals: SealSettings = SealSettings()
    # One line an erasure, for after a restore; best where backups of the database are not. API and
    # workers need it; one that is missing lists nothing.
    erasures_file: Path | None = None

    # How long a request waits for the gateway before it answers 202 and leaves the rest to the
    # worker.
    answer_within_seconds: float = Field(5.0, gt=0, le=25)
    # Longer than any time a request may sit between us and the gateway (reliability.md 4.2).
    lost_after_seconds: float = Field(120.0, ge=0)
    # What is in doubt or waits to be paid is asked after ever more rarely, and at least this often.
    asked_every_seconds: float = Field(21_600.0, ge=1)
    # For trying things out: the database is made with a clock of its own, which `bukubesar clock`
    # moves. Refused where money is real.
    simulated_clock: bool = False
    log_level: str = "info"
    log_json: bool = True
