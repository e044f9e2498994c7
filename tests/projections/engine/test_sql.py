"""Statements by name."""

import re
from pathlib import Path

import pytest

import projections
from projections import READ_MODELS
from projections.engine import sql

SOURCES = Path(projections.__file__).parent
MADE_BY_ALL = {"create", "index"}  # of a read model, by the engine
MADE_BY_FOLDER = {"reporting": {"view", "comments"}}  # by its view.py


def test_statements_are_found_by_their_names() -> None:
    loaded = sql.load("projections.engine.log")

    assert set(loaded) == {"page", "count", "missing", "head"}
    assert loaded["head"] == b"select coalesce(max(notification_id), 0) from events"


@pytest.mark.parametrize("path", sorted(SOURCES.rglob("*.sql")), ids=lambda path: path.stem)
def test_every_statement_is_used_and_every_used_one_is_there(path: Path) -> None:
    named = set(re.findall(r"^-- name: (\w+)$", path.read_text(), re.MULTILINE))
    code = path.with_suffix(".py").read_text()
    used = set(re.findall(r'SQL\["(\w+)"\]|"(\w+)"', code))
    made = MADE_BY_FOLDER.get(path.parent.name, MADE_BY_ALL)

    assert named - made <= {name for pair in used for name in pair} | _used_elsewhere(path.stem)
    assert set(re.findall(r'(?<!\.)\bSQL\["(\w+)"\]', code)) - made <= named


def _used_elsewhere(stem: str) -> set[str]:
    pattern = re.compile(rf'\b{stem}\.SQL\["(\w+)"\]')
    return {name for path in SOURCES.rglob("*.py") for name in pattern.findall(path.read_text())}


def test_every_read_model_can_be_created() -> None:
    assert all("create" in model.SQL for model in READ_MODELS)


def test_a_nul_becomes_the_replacement_character() -> None:
    assert sql._dumps([{"words": "a\x00b"}]) == b'[{"words":"a\\ufffdb"}]'
