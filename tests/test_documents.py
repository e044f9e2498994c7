"""What is generated is what is committed; and what is written by hand names only what is there."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr
from pydantic_core import PydanticUndefined
from typer.main import get_command

from api import documents
from api.cli import app
from ledger.settings import Settings
from ledger.telemetry import METRICS
from support import golden

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
BY_HAND = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *(
        DOCS / name
        for name in (
            *("tour.md", "operating.md", "security.md", "simulator.md", "reliability.md"),
            *("reporting.md", "subscriptions-reporting.md"),
        )
    ),
    *sorted((DOCS / "decisions").glob("*.md")),
)

FOLDERS = r"src|tests|scripts|docs|requirements|ledger|projections|api|simulator"
PATH = re.compile(rf"`((?:{FOLDERS})/[\w./*-]+\.(?:py|sql|md|json|lock))`")
LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]+)[^)]*\)")


# ── generated ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_generated_documents_are_the_committed_ones() -> None:
    fresh = documents.contents()
    committed = {name: _read(DOCS / name) for name in fresh}

    stale = [name for name in fresh if fresh[name] != committed[name]]

    assert not stale, f"run `make docs`, then look at what changed in {', '.join(stale)}"


def test_no_schema_is_left_of_a_topic_that_is_gone() -> None:
    fresh = set(documents.contents())
    there = {path.relative_to(DOCS).as_posix() for path in DOCS.glob("events/*")}

    assert there <= fresh, "run `make docs`"


def test_every_topic_has_a_golden_file() -> None:
    missing = golden.missing()

    assert not missing, f"run `make golden` ({golden.COMMAND}) and commit: {', '.join(missing)}"


def test_writing_documents_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    first = {path: path.read_bytes() for path in documents.write(tmp_path)}

    assert {path: path.read_bytes() for path in documents.write(tmp_path)} == first


def test_writing_documents_removes_a_schema_without_topic(tmp_path: Path) -> None:
    stale = tmp_path / "events" / "payment.gone.v1.json"
    stale.parent.mkdir()
    stale.write_text("{}")

    documents.write(tmp_path)

    assert not stale.exists()


# ── written by hand ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("page", BY_HAND, ids=lambda page: page.name)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    text = _read(page)
    missing = [name for name in PATH.findall(text) if not _is_there(name)]
    missing += [link for link in LINK.findall(text) if not (page.parent / link).exists()]

    assert not missing


@pytest.mark.parametrize("page", BY_HAND, ids=lambda page: page.name)
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    text = _read(page)
    ours = re.findall(r"(?:^|[`$ ])bukubesar ([a-z][a-z-]*)", text, re.MULTILINE)
    targets = re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE)

    assert {name for name in ours if name not in _commands()} == set()
    assert {name for name in targets if name not in _targets()} == set()


def test_the_settings_table_lists_every_setting_with_its_default() -> None:
    rows = re.findall(
        r"^\| `(BUKUBESAR_\w+)` \| ([^|]+) \|", _read(DOCS / "operating.md"), re.MULTILINE
    )

    assert {name: default.strip() for name, default in rows} == dict(_settings(Settings))


def test_the_operators_guide_names_every_metric() -> None:
    text = _read(DOCS / "operating.md")
    names = [next(iter(metric.collect())).name for metric in METRICS]

    assert [name for name in names if f"`{name}" not in text] == []


def test_every_decision_says_context_decision_and_consequences() -> None:
    pages = sorted((DOCS / "decisions").glob("*.md"))

    assert [page.name[:4] for page in pages] == [f"{n:04}" for n in range(1, len(pages) + 1)]
    for page in pages:
        headings = re.findall(r"^## (.+)$", _read(page), re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences"], page.name


def _settings(settings: type[BaseModel], prefix: str = "BUKUBESAR_") -> Iterator[tuple[str, str]]:
    for name, field in settings.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _settings(inner, f"{prefix}{name.upper()}__")
        else:
            yield f"{prefix}{name.upper()}", _shown(field.default)


def _shown(default: Any) -> str:
    plain = default.get_secret_value() if isinstance(default, SecretStr) else default
    assert plain is not PydanticUndefined
    return f"`{plain}`" if plain not in ("", None) else "none"


def _commands() -> set[str]:
    return set(get_command(app).commands)  # type: ignore[attr-defined]


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", _read(ROOT / "Makefile"), re.MULTILINE))


def _is_there(name: str) -> bool:
    """Pages may leave out `src/` before one of the packages."""
    return any(any(place.glob(name)) for place in (ROOT, ROOT / "src"))


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
