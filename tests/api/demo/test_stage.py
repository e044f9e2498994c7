"""The demo empties only its own folder, and never meets the deployment of whoever runs it."""

from pathlib import Path

import pytest

from api.demo import stage
from api.durability import DataFolderInUse, take_lock


def test_what_an_earlier_demo_left_is_removed(tmp_path: Path) -> None:
    with stage.emptied(tmp_path):
        (tmp_path / "pg").mkdir()
        (tmp_path / "pg" / "log").write_text("old")

    with stage.emptied(tmp_path):
        assert not (tmp_path / "pg").exists()


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "master.key").write_text("precious")

    with pytest.raises(stage.NotADemoFolder), stage.emptied(tmp_path):
        pass

    assert (tmp_path / "master.key").read_text() == "precious"


@pytest.mark.parametrize("lock", [stage.MARKER, stage.SERVERS_LOCK])
def test_a_folder_in_use_is_refused_and_left_as_it_is(tmp_path: Path, lock: str) -> None:
    with stage.emptied(tmp_path):
        (tmp_path / "pg").mkdir()

    with take_lock(tmp_path / lock), pytest.raises(DataFolderInUse), stage.emptied(tmp_path):
        pass

    assert (tmp_path / "pg").exists()


def test_no_setting_of_the_caller_is_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUKUBESAR_DATABASE_URL", "postgresql://production")
    monkeypatch.setenv("BUKUBESAR_MIDTRANS__SERVER_KEY", "Mid-server-real")
    monkeypatch.setenv("BUKUBESAR_POSTGRES_BIN", "/opt/postgres/bin")

    environment = stage._environment()

    ours = {name for name in environment if name.startswith("BUKUBESAR_")}
    assert ours == {"BUKUBESAR_POSTGRES_BIN", *stage.OWN_SETTINGS}
