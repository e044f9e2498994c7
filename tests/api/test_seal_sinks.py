"""Where seals go: what was written stays, also when a process died in the middle of a line."""

import stat
from pathlib import Path

import pytest

from api.seal_sinks import FileSink, FolderSink, kept_in, sinks
from ledger.audit import seal as sealing
from ledger.settings import SealSettings
from support.seal_series import series

SERIES = series(3, 1, 7, 2)


def test_without_settings_there_is_no_place(tmp_path: Path) -> None:
    named = SealSettings(file=tmp_path / "seals.jsonl", folder=tmp_path / "seals")

    assert sinks(SealSettings()) == []
    assert [type(sink) for sink in sinks(named)] == [FileSink, FolderSink]


@pytest.mark.parametrize("kind", [FileSink, FolderSink])
def test_what_was_written_is_there_in_order(kind: type[FileSink], tmp_path: Path) -> None:
    path = tmp_path / "deep" / "seals"
    sink = kind(path)
    assert sink.newest() is None

    sink.write(SERIES[:2])
    assert sink.newest() == SERIES[1]
    kind(path).write(SERIES[2:])

    assert kind(path).newest() == SERIES[3]
    assert kept_in(path) == SERIES


@pytest.mark.parametrize("kind", [FileSink, FolderSink])
def test_a_seal_that_is_written_twice_is_there_once(kind: type[FileSink], tmp_path: Path) -> None:
    sink, late = kind(tmp_path / "seals"), kind(tmp_path / "seals")

    sink.write(SERIES[:3])
    late.write(SERIES[1:])

    assert kept_in(tmp_path / "seals") == SERIES


def test_a_line_is_the_seal_as_it_was_signed(tmp_path: Path) -> None:
    FileSink(tmp_path / "seals").write(SERIES)

    lines = (tmp_path / "seals").read_text().splitlines()

    assert lines == [sealing.text(seal) for seal in SERIES]


@pytest.mark.parametrize("torn", [1, 40, 200, 100_000])
def test_a_line_torn_in_the_middle_stays_and_the_seal_follows_whole(
    torn: int, tmp_path: Path
) -> None:
    path = tmp_path / "seals"
    FileSink(path).write(SERIES[:2])
    begun = sealing.text(SERIES[2])[:torn] if torn < 1_000 else "x" * torn
    with path.open("a") as file:
        file.write(begun)

    assert FileSink(path).newest() == SERIES[1]
    FileSink(path).write(SERIES[2:])

    assert kept_in(path) == SERIES
    assert begun in path.read_text().splitlines()


def test_a_file_that_may_only_grow_is_enough(tmp_path: Path) -> None:
    """Nothing in it is ever written again: its beginning stays as it was, byte for byte."""
    path = tmp_path / "seals"
    FileSink(path).write(SERIES[:2])
    before = path.read_bytes()

    FileSink(path).write(SERIES[2:])

    assert path.read_bytes().startswith(before)
    assert not stat.S_IMODE(path.stat().st_mode) & stat.S_IWOTH


def test_the_last_seal_is_found_however_long_its_line_is(tmp_path: Path) -> None:
    long = series(40_000)
    FileSink(tmp_path / "seals").write(long)

    assert FileSink(tmp_path / "seals").newest() == long[0]
