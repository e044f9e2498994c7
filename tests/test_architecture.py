"""The house rules hold; and each of them is shown to notice what it is there for."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

from support import house_rules as rules

ROOT = Path(__file__).parents[1]

Check = Callable[[Path], list[str]]

CHECKS: tuple[Check, ...] = (
    rules.imports_against_the_grain,
    rules.worldly_imports,
    rules.questions_for_the_time,
    rules.long_files,
    rules.long_functions,
    rules.silent_modules,
    rules.vague_names,
    rules.packages_among_tests,
    rules.middleware_that_is_not_asgi,
    rules.error_codes_at_fault,
    rules.topics_at_fault,
    rules.schemas_without_topic,
    rules.read_models_at_fault,
    rules.locks_at_fault,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_house_rule_holds(check: Check) -> None:
    found = check(ROOT)

    assert not found, "\n".join(["", *found])


def test_the_import_contracts_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)

    assert lint_imports(no_cache=True) == 0


def test_no_file_tells_of_the_place_it_was_written_in() -> None:
    found = rules.told_out_of_house(ROOT, _published())

    assert not found, "\n".join(["", *found])


def _published() -> list[Path]:
    """What git would publish; in an unpacked archive, all that is there but environments and caches."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        command = [
            "git",
            "-c",
            f"safe.directory={ROOT}",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
        paths = [ROOT / name for name in listed.split("\0") if name]
    else:
        folders = ("src", "tests", "scripts", "docs", "requirements", ".ci")
        paths = [
            *ROOT.glob("*.*"),
            *(path for folder in folders for path in (ROOT / folder).rglob("*")),
        ]
    return [path for path in paths if path.is_file() and path.suffix != ".pyc"]


# ── each rule notices ─────────────────────────────────────────────────────────────────────────────────────────

SAID = '"""What it is."""\n'


def body(lines: int) -> str:
    """A function of that many lines."""
    return "\n".join(["def act() -> None:", *["    pass"] * (lines - 1), ""])


ERROR = SAID + 'class {name}(Rejected):\n    code = "{code}"\n    title = "No."\n'
EVENT = SAID + 'class Paid(DomainEvent, topic="{topic}"):\n    pass\n'

# The rule, the file planted, what is in it, and a part of what has to be found.
PLANTED: tuple[tuple[Check, str, str, str], ...] = (
    (rules.imports_against_the_grain, "src/ledger/money.py", "from api.app import main", "ledger may not import"),
    (rules.imports_against_the_grain, "src/ledger/money.py", "import projections.payments", "ledger may not import"),
    (rules.imports_against_the_grain, "src/projections/payments.py", "def f():\n    import api", "projections may not"),
    (rules.imports_against_the_grain, "src/api/app.py", "import simulator", "api may not import simulator"),
    (rules.imports_against_the_grain, "src/simulator/cards.py", "from ledger.money import Money", "simulator may not"),
    (rules.worldly_imports, "src/ledger/payments/payment.py", "import psycopg.rows", "may not import psycopg.rows"),
    (rules.worldly_imports, "src/ledger/payments/routing.py", "from random import choice", "may not import random"),
    (rules.questions_for_the_time, "src/ledger/payments/payment.py", "x = datetime.now(UTC)", "datetime.now"),
    (rules.questions_for_the_time, "src/api/worker.py", "x = datetime.datetime.utcnow()", "datetime.utcnow"),
    (rules.questions_for_the_time, "src/projections/payments.py", "from time import monotonic", "time.monotonic"),
    (rules.long_files, "src/api/app.py", "\n" * 401, "401 lines"),
    (rules.long_functions, "src/api/app.py", body(51), "act has 51 lines"),
    (rules.silent_modules, "src/api/app.py", "x = 1", "does not say what it is"),
    (rules.vague_names, "src/api/helpers.py", SAID, "helpers says nothing"),
    (rules.vague_names, "src/ledger/common/money.py", SAID, "common says nothing"),
    (rules.packages_among_tests, "tests/api/__init__.py", SAID, "no packages"),
    (rules.middleware_that_is_not_asgi, "src/api/app.py", "from base import BaseHTTPMiddleware", "ASGI"),
    (rules.middleware_that_is_not_asgi, "src/api/app.py", '@app.middleware("http")\ndef f(): ...', "ASGI"),
    (rules.error_codes_at_fault, "src/ledger/money.py", ERROR.format(name="Odd", code="odd"), "odd is not documented"),
    (rules.topics_at_fault, "src/ledger/payments/events.py", EVENT.format(topic="payment.paid.v1"), "has no schema"),
    (rules.topics_at_fault, "src/ledger/payments/events.py", EVENT.format(topic="PaymentPaid"), "is no topic"),
    (rules.schemas_without_topic, "docs/events/payment.gone.v1.json", "{}", "no event has this topic"),
    (rules.read_models_at_fault, "src/projections/payments.py", "SQL = sql.load(__name__)", "has no payments.sql"),
    (rules.read_models_at_fault, "src/projections/gone.sql", "-- name: page", "belongs to no module"),
    (rules.locks_at_fault, "requirements/dev.lock", "--index-url https://example.test", "https://"),
    (rules.locks_at_fault, "requirements/dev.lock", "idna==3.20\n", "has no hash"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("check", "name", "text", "expected"),
    PLANTED,
    ids=[f"{row[0].__name__} {row[3]}" for row in PLANTED],
)
def test_a_planted_fault_is_found(
    check: Check, name: str, text: str, expected: str, tmp_path: Path
) -> None:
    plant(tmp_path, name, text)

    found = check(tmp_path)

    assert len(found) == 1
    assert expected in found[0]


@pytest.mark.parametrize(
    ("check", "name", "text"),
    [
        (rules.long_files, "src/api/app.py", "\n" * 400),
        (rules.long_functions, "src/api/app.py", body(50)),
        (rules.worldly_imports, "src/ledger/payments/service.py", "import random"),
        (rules.questions_for_the_time, "src/ledger/clock.py", "x = datetime.now(UTC)"),
        (rules.locks_at_fault, "requirements/dev.lock", "idna==3.20 \\\n    --hash=sha256:0\n"),
    ],
)
def test_what_is_allowed_is_not_found(check: Check, name: str, text: str, tmp_path: Path) -> None:
    plant(tmp_path, name, text)

    assert check(tmp_path) == []


def test_a_code_that_two_errors_share_is_found(tmp_path: Path) -> None:
    plant(tmp_path, "docs/problems.md", "| `odd` |")
    plant(tmp_path, "src/ledger/money.py", ERROR.format(name="Odd", code="odd"))
    plant(tmp_path, "src/ledger/prices.py", ERROR.format(name="Even", code="odd"))

    assert rules.error_codes_at_fault(tmp_path) == [
        "src/ledger/prices.py:2: odd is taken by src/ledger/money.py"
    ]


def test_a_topic_that_two_events_share_is_found(tmp_path: Path) -> None:
    plant(tmp_path, "docs/events/payment.paid.v1.json", "{}")
    plant(tmp_path, "src/ledger/payments/events.py", EVENT.format(topic="payment.paid.v1"))
    plant(tmp_path, "src/ledger/journal/events.py", EVENT.format(topic="payment.paid.v1"))

    assert len(rules.topics_at_fault(tmp_path)) == 1


def test_a_path_of_the_machine_is_found(tmp_path: Path) -> None:
    path = plant(tmp_path, "README.md", f"See {rules.NOT_OURS_TO_TELL[0]}main.")

    assert len(rules.told_out_of_house(tmp_path, [path])) == 1


def test_an_import_contract_notices_a_layer_that_reaches_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a copy of the packages' skeleton, in a process of its own because the packages there have our names."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in rules.LAYERS:
        plant(tmp_path, f"src/{package}/__init__.py", SAID)
    plant(tmp_path, "src/ledger/money.py", "import projections")

    command = ["lint-imports", "--no-cache", "--no-logo"]
    told = subprocess.run(
        command,
        cwd=tmp_path,
        env=_environment(tmp_path / "src"),
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 1, told.stdout + told.stderr
    assert "ledger.money -> projections" in told.stdout


def _environment(source: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(source),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }


def plant(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
