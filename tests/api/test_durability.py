"""Each unsafe setting on a real server, each unsafe folder on a real disk."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from api import durability
from api.children import command_line
from api.durability import (
    DataFolderInUse,
    DataFolderRefused,
    UnsafeDatabase,
    check_durability,
    refuse_other_version,
    refuse_shared,
    take_lock,
    wait_for_predecessor,
)
from api.embedded import EmbeddedPostgres, default_data_dir
from api.postgres_binaries import server_account


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    folder = Path(tempfile.mkdtemp(prefix="bukubesar-test-"))
    folder.chmod(0o755)  # root lends the server an account that must pass here
    with EmbeddedPostgres(folder / "data", tcp_port=0) as server:
        yield server
    shutil.rmtree(folder)


@pytest.fixture
def dsn(server: EmbeddedPostgres) -> str:
    return server.start()


@pytest.fixture
def cluster(tmp_path: Path) -> Path:
    (tmp_path / "18").mkdir(mode=0o700)
    return tmp_path / "18"


def execute(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as db:
        for statement in statements:
            db.execute(statement.encode())


def test_a_server_as_it_comes_is_safe(dsn: str) -> None:
    check_durability(dsn)


@pytest.mark.parametrize("name", ["fsync", "full_page_writes", "synchronous_commit"])
def test_a_server_that_may_lose_commits_is_refused(dsn: str, name: str) -> None:
    execute(dsn, f"ALTER SYSTEM SET {name} = off", "SELECT pg_reload_conf()")
    try:
        with pytest.raises(UnsafeDatabase, match=f"{name} = off") as refused:
            check_durability(dsn)
    finally:
        execute(dsn, f"ALTER SYSTEM RESET {name}", "SELECT pg_reload_conf()")

    assert refused.value.code == "unsafe_database"
    assert refused.value.settings == {name: "off"}


@pytest.mark.parametrize("value", ["on", "local", "remote_write", "remote_apply"])
def test_every_other_synchronous_commit_waits_for_our_disk(dsn: str, value: str) -> None:
    check_durability(make_conninfo(dsn, options=f"-c synchronous_commit={value}"))


def test_what_a_role_is_given_counts_too(dsn: str) -> None:
    execute(dsn, "ALTER ROLE bukubesar SET synchronous_commit = off")
    try:
        with pytest.raises(UnsafeDatabase):
            check_durability(dsn)
    finally:
        execute(dsn, "ALTER ROLE bukubesar RESET synchronous_commit")


def test_an_encoding_that_does_not_check_text_is_refused(dsn: str) -> None:
    execute(dsn, "CREATE DATABASE loose ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")

    with pytest.raises(UnsafeDatabase) as refused:
        check_durability(make_conninfo(dsn, dbname="loose"))
    assert refused.value.settings == {"server_encoding": "SQL_ASCII"}


def test_an_old_server_is_refused(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durability, "OLDEST_VERSION", 99_00_00)

    with pytest.raises(UnsafeDatabase, match="PostgreSQL 99") as refused:
        check_durability(dsn)
    assert refused.value.settings.keys() == {"server_version"}


def test_without_the_password_nobody_gets_in(server: EmbeddedPostgres, dsn: str) -> None:
    sockets = conninfo_to_dict(dsn)["host"]
    for host in ("127.0.0.1", sockets):
        place = make_conninfo(dsn, host=host, port=server.port)
        check_durability(place)
        with pytest.raises(psycopg.OperationalError, match="password"):
            check_durability(make_conninfo(place, password="wrong"))


def test_sockets_in_a_folder_open_to_others_are_refused(server: EmbeddedPostgres, dsn: str) -> None:
    sockets = Path(str(conninfo_to_dict(dsn)["host"]))
    server.stop()
    sockets.mkdir()
    try:
        with pytest.raises(DataFolderRefused, match=str(sockets)):
            server.start()
    finally:
        sockets.rmdir()


@pytest.mark.parametrize("mode", [0o750, 0o701, 0o777])
def test_a_folder_open_to_others_is_refused(cluster: Path, mode: int) -> None:
    refuse_shared(cluster, os.getuid())
    cluster.chmod(mode)

    with pytest.raises(DataFolderRefused, match="chmod 700"):
        refuse_shared(cluster, os.getuid())
    assert cluster.stat().st_mode & 0o777 == mode


def test_a_link_or_the_folder_of_another_is_refused(cluster: Path) -> None:
    link = cluster.with_name("link")
    link.symlink_to(cluster)

    for folder, uid in ((link, os.getuid()), (cluster, os.getuid() + 1)):
        with pytest.raises(DataFolderRefused, match="not a folder of the account"):
            refuse_shared(folder, uid)


def test_data_of_another_version_is_not_passed_over_in_silence(cluster: Path) -> None:
    with pytest.raises(DataFolderRefused, match="another PostgreSQL"):
        refuse_other_version(cluster.with_name("19"), "19.1")


def test_a_lock_is_taken_once_and_names_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "supervisor.lock"
    with take_lock(path):
        for _ in range(2):
            with pytest.raises(DataFolderInUse, match=f"by process {os.getpid()}\\."):
                take_lock(path)
    take_lock(path).close()

    assert path.stat().st_mode & 0o777 == 0o600


def test_the_pid_of_a_former_server_may_be_anothers_now(cluster: Path) -> None:
    note = cluster / "postmaster.pid"
    with subprocess.Popen(["sleep", "30"]) as other:
        while not command_line(other.pid):
            time.sleep(0.01)
        note.write_text(f"{other.pid}\n{cluster}\n")
        wait_for_predecessor(cluster)
        assert other.poll() is None
        other.kill()

    assert not note.exists()


def test_a_server_that_lost_its_supervisor_is_ended(cluster: Path) -> None:
    script = "trap 'exit 0' INT; while :; do sleep 0.05; done"
    argv = ["sh", "-c", script, "postgres", "-D", str(cluster), "-k", "/tmp"]
    with subprocess.Popen(argv) as stray:
        while not command_line(stray.pid):  # which is empty for a moment within exec
            time.sleep(0.01)
        (cluster / "postmaster.pid").write_text(f"{stray.pid}\n{cluster}\n")
        wait_for_predecessor(cluster)

        assert stray.wait(5) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root lends the server an account")
def test_a_closed_parent_is_named_and_stays_closed(tmp_path: Path) -> None:
    closed = Path(tempfile.mkdtemp(dir=tmp_path))

    with pytest.raises(DataFolderRefused, match=r"may not enter .*--data-dir"):
        EmbeddedPostgres(closed / "data").start()
    assert closed.stat().st_mode & 0o777 == 0o700


def test_the_usual_data_folder_is_one_that_the_server_can_reach() -> None:
    assert server_account().blocked_at(default_data_dir()) is None
