"""The container files, as far as they can be checked without an engine to run them."""

import ast
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from pydantic import BaseModel
from typer.main import get_command

from api.app import create_app
from api.cli import app
from ledger.settings import Settings
from simulator.__main__ import HELP as SIMULATOR_OPTIONS
from simulator.config import Config
from simulator.server import create_app as create_simulator
from support import facts
from support.read_side import open_read_side

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")

SECRET = re.compile(r"password|key|secret|token", re.IGNORECASE)
PINNED = re.compile(r"[a-z/.-]+:\d+\.\d+(\.\d+)?[\w.-]*(@sha256:[0-9a-f]{64})?")


def test_there_are_postgres_migrate_api_worker_and_simulator() -> None:
    assert list(SERVICES) == ["postgres", "migrate", "api", "worker", "simulator"]


# ── settings and secrets ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", OURS)
def test_every_variable_of_ours_is_a_setting(name: str) -> None:
    given = {key for key in OURS[name].get("environment", {}) if key.startswith("BUKUBESAR_")}

    assert given <= set(_settings(Settings))


def test_the_settings_are_valid_once_the_secrets_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "POSTGRES_PASSWORD": "secret",
        "BUKUBESAR_MASTER_KEY": "m",
        "MIDTRANS_SERVER_KEY": "SB-key",
    }
    for key, value in SERVICES["api"]["environment"].items():
        monkeypatch.setenv(key, _substituted(value, given))

    settings = Settings()

    assert settings.host == "0.0.0.0"
    assert settings.midtrans.core_url == "http://simulator:8081"
    assert settings.midtrans.server_key.get_secret_value() == "SB-key"
    assert "secret@postgres:5432" in settings.database_url.get_secret_value()


def test_no_secret_has_a_value_or_a_default() -> None:
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if SECRET.search(key) or "PASSWORD" in value:
                assert re.search(r"\$\{\w+:\?\}", value), f"{name}: {key}"
    for name, default in re.findall(
        r"\$\{(\w+)(?::-([^}]*))?\}", (ROOT / "docker-compose.yml").read_text()
    ):
        assert not (default and SECRET.search(name)), name
    assert not re.search(r"^(ARG|ENV).*(PASSWORD|SECRET|TOKEN|_KEY)", DOCKERFILE, re.MULTILINE)


def _settings(settings: type[BaseModel], prefix: str = "BUKUBESAR_") -> Iterator[str]:
    for name, field in settings.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _settings(inner, f"{prefix}{name.upper()}__")
        else:
            yield f"{prefix}{name.upper()}"


def _substituted(value: str, given: dict[str, str]) -> str:
    def one(found: re.Match[str]) -> str:
        name, default = found[1], found[2]
        return given.get(name) or default or pytest.fail(f"{name} has no value")

    return re.sub(r"\$\{(\w+)(?::\?|:-([^}]*))?\}", one, value)


# ── commands and health checks ────────────────────────────────────────────────────────────────────────────────


def test_the_image_starts_our_command() -> None:
    assert 'ENTRYPOINT ["bukubesar"]' in DOCKERFILE
    assert re.search(r'CMD \["serve"\]', DOCKERFILE)


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_of_ours(name: str) -> None:
    commands: dict[str, click.Command] = get_command(app).commands  # type: ignore[attr-defined]
    command, *arguments = OURS[name]["command"]

    assert command in commands
    known = {"host", "port", *(option.replace("_", "-") for option in SIMULATOR_OPTIONS)}
    allowed = known if command == "simulator" else set()
    assert {argument.removeprefix("--").partition("=")[0] for argument in arguments} <= allowed


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "migrate"])
def test_every_service_that_stays_has_a_health_check(name: str) -> None:
    how, program, *arguments = SERVICES[name]["healthcheck"]["test"]

    assert how == "CMD"
    assert program in ("python", "pg_isready")
    if program == "python":
        assert arguments[0] == "-c"
        ast.parse(arguments[1])


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("api", lambda: set(create_app(Settings()).openapi()["paths"])),
        (
            "simulator",
            lambda: {getattr(route, "path", "") for route in create_simulator(Config()).routes},
        ),
    ],
)
def test_a_health_check_asks_an_address_that_answers(name: str, paths: Any) -> None:
    asked = re.search(
        r"http://127\.0\.0\.1:(\d+)(/[^']+)", SERVICES[name]["healthcheck"]["test"][3]
    )

    assert asked
    assert f":{asked[1]}:{asked[1]}" in SERVICES[name]["ports"][0]
    assert asked[2] in paths()


def test_the_workers_health_check_fails_once_the_read_models_are_far_behind(
    ledger_database: str,
) -> None:
    script = SERVICES["worker"]["healthcheck"]["test"][3]
    with open_read_side(ledger_database) as read_side:
        assert _exit_code(script, ledger_database) == 0
        read_side.log.append("pay_1", [facts.requested(), facts.attempt_started()])
        impatient = script.replace("50_000", "0")

        assert _exit_code(script, ledger_database) == 0
        assert _exit_code(impatient, ledger_database) == 1
        read_side.catch_up()
        assert _exit_code(impatient, ledger_database) == 0


def test_the_workers_health_check_fails_without_a_database() -> None:
    script = SERVICES["worker"]["healthcheck"]["test"][3]

    assert _exit_code(script, "postgresql://nobody@127.0.0.1:1/nothing") != 0


def _exit_code(script: str, database: str) -> int:
    environment = {**os.environ, "BUKUBESAR_DATABASE_URL": database}
    command = [sys.executable, "-c", script]
    return subprocess.run(
        command, env=environment, capture_output=True, check=False, timeout=60
    ).returncode


# ── order, rights, exposure ───────────────────────────────────────────────────────────────────────────────────


def test_nothing_of_ours_starts_before_the_database_is_migrated() -> None:
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in ("api", "worker"):
        assert (
            SERVICES[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
        )


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_runs_without_root_and_without_rights(name: str) -> None:
    service = SERVICES[name]

    assert int(service["user"].split(":")[0]) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service


def test_the_image_ends_as_a_user_without_rights() -> None:
    last = re.findall(r"^USER (\d+)", DOCKERFILE, re.MULTILINE)[-1]

    assert int(last) > 0
    assert {service["user"].split(":")[0] for service in OURS.values()} == {last}


def test_only_the_api_and_the_simulator_are_reachable_and_only_from_this_machine() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert set(ports) == {"api", "simulator"}
    assert all(port.startswith("127.0.0.1:") for listed in ports.values() for port in listed)
    assert COMPOSE["networks"]["database"]["internal"] is True
    assert SERVICES["postgres"]["networks"] == ["database"]


def test_the_data_lies_in_a_named_volume_where_postgresql_18_keeps_it() -> None:
    assert SERVICES["postgres"]["volumes"] == ["ledger:/var/lib/postgresql"]
    assert set(COMPOSE["volumes"]) == {"ledger"}


# ── the image ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_image_is_pinned_to_a_version() -> None:
    built_from = [line.split()[1] for line in DOCKERFILE.splitlines() if line.startswith("FROM")]

    for image in [*built_from, *(service["image"] for service in SERVICES.values())]:
        assert PINNED.fullmatch(image), image


def test_the_image_installs_only_what_is_locked() -> None:
    installs = [line for line in DOCKERFILE.splitlines() if "pip install" in line]

    assert len(installs) == 3
    assert all("--require-hashes" in line or "--no-index" in line for line in installs)


def test_the_image_leaves_the_embedded_postgresql_out() -> None:
    assert "requirements/server.lock" in DOCKERFILE
    assert "pgserver" not in (ROOT / "requirements/server.lock").read_text()


def test_what_the_image_copies_is_there_and_is_sent() -> None:
    sent = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = [
        word
        for line in DOCKERFILE.splitlines()
        if line.startswith("COPY") and "--from" not in line
        for word in shlex.split(line)[1:-1]
    ]

    assert copied
    assert [name for name in copied if not (ROOT / name).exists() or name not in sent] == []
