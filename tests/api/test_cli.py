"""The command line as a person meets it: refusals in one line, and no service on an unsafe server."""

import base64
import os
import subprocess
import sys

import pytest
from psycopg.conninfo import make_conninfo


def bukubesar(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    master = base64.b64encode(bytes(range(32))).decode()
    environment = {**os.environ, "BUKUBESAR_MASTER_KEY": master, **settings}
    return subprocess.run(
        [sys.executable, "-m", "api.cli", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("command", ["serve", "work", "migrate"])
def test_no_process_serves_a_database_that_could_lose_what_it_acknowledged(
    command: str, ledger_database: str
):
    unsafe = make_conninfo(ledger_database, options="-c synchronous_commit=off")
    ended = bukubesar(command, BUKUBESAR_DATABASE_URL=unsafe)

    assert ended.returncode == 1
    assert "synchronous_commit" in ended.stderr and "unsafe_database" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_database_that_does_not_answer_is_said_in_one_line_without_the_password():
    ended = bukubesar(
        "migrate", BUKUBESAR_DATABASE_URL="postgresql://somebody:secretword@127.0.0.1:1/ledger"
    )

    assert ended.returncode == 1
    assert ended.stderr.startswith("bukubesar: PostgreSQL:")
    assert "secretword" not in ended.stderr and "Traceback" not in ended.stderr


def test_a_role_that_does_not_exist_is_refused():
    ended = bukubesar("keys", "create", "--role", "emperor", BUKUBESAR_DATABASE_URL="")
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr
