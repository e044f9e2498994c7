"""The table of deadlines names what is there: each constant in its file, each test where it is said to be."""

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TABLE = (ROOT / "docs" / "operating.md").read_text().split("## Deadlines")[1]
ROWS = [line.split(" | ") for line in TABLE.splitlines() if line.startswith("| ")][1:]
PLACE = re.compile(r"`(\w+)` in `(src/[\w/]+\.py)`")
FILE = re.compile(r"`(tests/[\w/]+\.py)`")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].removeprefix("| "))
def test_a_deadline_is_where_the_table_says(row: list[str]) -> None:
    _, limit, where, held_by = row

    for name, path in PLACE.findall(where):
        assert re.search(rf"\b{name}\b", (ROOT / path).read_text()), f"no {name} in {path}"
        module = import_module(path.removeprefix("src/").removesuffix(".py").replace("/", "."))
        if isinstance(seconds := getattr(module, name, None), float):
            assert re.search(rf"(?<![\d.]){seconds:g} s", limit), f"{name} is {seconds:g} s"
    for path in FILE.findall(held_by):
        assert (ROOT / path).is_file(), path
    assert "`" in where or "proxy" in where
    assert "`" in held_by or "nothing" in held_by
