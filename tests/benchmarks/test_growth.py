"""The measurement of growth, with histories so small that it is over in seconds."""

import json
from pathlib import Path

from benchmarks import growth
from benchmarks.growth_questions import QUESTIONS


def test_every_question_is_asked_of_both_histories_and_written_down(tmp_path: Path) -> None:
    written = tmp_path / "growth.json"
    sizes = ["--small", "2400", "--events", "4800"]

    code = growth.main([*sizes, "--rounds", "1", "--seconds", "0.02", "--json", str(written)])

    figures = json.loads(written.read_text(encoding="utf-8"))
    ratios = {figure["name"]: figure["ratio"] for figure in figures if figure["kind"] == "ratio"}
    assert ratios.keys() == {*QUESTIONS, "append, 8 callers", "append, 32 callers"}
    assert all(ratio > 0 for ratio in ratios.values())
    assert code == (1 if any(figure["reached"] is False for figure in figures) else 0)
    bytes_told = [figure["value"] for figure in figures if figure["kind"] == "amount"]
    assert len(bytes_told) == 8
    assert min(bytes_told) > 0
