"""Real servers in real folders. As root, one test does it all again as an ordinary user."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import psycopg
import pytest

from api import embedded
from api.children import command_line
from api.durability import DataFolderInUse
from api.embedded import EmbeddedPostgres, EmbeddedPostgresFailed
from api.postgres_binaries import PostgresNotFound, find_binaries, server_account
from support.own_postgres import pids

FAST = {"fsync": "off", "shared_buffers": "16MB"}
IMPORTED = (Path(embedded.__file__).parents[1], Path(psycopg.__file__).parents[1])

OWNER = """
import sys, time
from pathlib import Path
from api.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), settings={"fsync": "off", "shared_buffers": "16MB"})
server.start()
print(server.pid, flush=True)
time.sleep(60)
"""

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
SYSTEM_PYTHON = shutil.which(f"python{VERSION}", path="/usr/bin:/usr/local/bin")
SYSTEM = shutil.which("postgres")

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """Unlike pytest's own folders, which root's lent account may not enter."""
    folder = Path(tempfile.mkdtemp(prefix="bukubesar-test-"))
    folder.chmod(0o1777)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))  # sockets of killed owners are left there
        yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def made(open_folder: Path) -> Path:
    """A data folder whose server has been started and stopped once."""
    server = EmbeddedPostgres(open_folder / "made", settings=FAST)
    with server, psycopg.connect(server.dsn) as db:
        db.execute("CREATE TABLE kept (word text)")
        db.execute("INSERT INTO kept VALUES ('still here')")
    return open_folder / "made"


@pytest.fixture
def data_dir(made: Path, open_folder: Path) -> Iterator[Path]:
    """A copy of it, which is quicker than another initdb."""
    copy = open_folder / "copy"
    subprocess.run(["cp", "-a", str(made), str(copy)], check=True)
    yield copy
    shutil.rmtree(copy)


def words(dsn: str) -> list[tuple[str]]:
    with psycopg.connect(dsn) as db:
        return db.execute("SELECT word FROM kept").fetchall()


def modes(path: Path) -> dict[Path, tuple[int, int]]:
    return {p: (p.stat().st_mode, p.stat().st_uid) for p in (path, *path.parents) if p.exists()}


def gone(pid: int) -> bool:
    return command_line(pid) == ""


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def owner_of(
    data_dir: Path, *, python: str = sys.executable, uid: int | None = None
) -> tuple["subprocess.Popen[str]", int]:
    """A process that has started a server, and the server's pid."""
    process = subprocess.Popen(
        [python, "-c", OWNER, str(data_dir)],
        cwd="/",
        env={
            "PYTHONPATH": os.pathsep.join(map(str, IMPORTED)),
            "PATH": os.defpath,
            "TMPDIR": tempfile.gettempdir(),
        },
        stdout=subprocess.PIPE,
        text=True,
        user=uid,
        extra_groups=None if uid is None else [],
    )
    assert process.stdout
    lines = iter(process.stdout.readline, "")
    return process, next(int(line) for line in lines if line.strip().isdigit())


def kill(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()


@pytest.fixture
def strict_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.usefixtures("strict_umask")
def test_the_first_start_is_quick_and_fit_for_a_ledger(open_folder: Path) -> None:
    began = time.monotonic()
    with EmbeddedPostgres(open_folder / "fresh") as server:
        took = time.monotonic() - began
        assert server.start() == server.dsn
        with psycopg.connect(server.dsn) as db:
            settings = dict[str, str](db.execute("SELECT name, setting FROM pg_settings"))

    assert took < 10  # about one second on a quiet machine
    for name in ("data_checksums", "fsync", "full_page_writes", "synchronous_commit"):
        assert settings[name] == "on"
    assert (settings["server_encoding"], settings["TimeZone"]) == ("UTF8", "UTC")
    assert (settings["listen_addresses"], settings["max_connections"]) == ("", "200")


def test_a_second_start_finds_the_data_and_changes_no_folder(data_dir: Path) -> None:
    before = modes(data_dir)
    for _ in range(2):
        with EmbeddedPostgres(data_dir, settings=FAST) as server:
            assert words(server.dsn) == [("still here",)]
            pid = server.pid
        assert pid
        assert gone(pid)
    assert modes(data_dir) == before
    with pytest.raises(EmbeddedPostgresFailed):
        _ = server.dsn


def test_a_server_dies_with_its_owner_and_starts_again_at_once(data_dir: Path) -> None:
    for wait in (True, False):
        process, pid = owner_of(data_dir)
        kill(process)
        if wait:
            assert within(5, partial(gone, pid))

    with EmbeddedPostgres(data_dir, settings=FAST) as server:
        assert gone(pid)
        assert words(server.dsn) == [("still here",)]


def test_a_killed_server_is_noticed_and_replaced(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir, settings=FAST) as server:
        with psycopg.connect(server.dsn), pytest.raises(psycopg.OperationalError):
            assert server.pid
            os.kill(server.pid, signal.SIGKILL)
            assert within(5, lambda: server.pid is None)
            psycopg.connect(server.dsn)

        assert words(server.start()) == [("still here",)]


def test_one_that_is_looked_after_starts_again_and_can_be_reached_as_before(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir, settings=FAST) as server:
        dsn, stopping = server.dsn, threading.Event()
        keeper = threading.Thread(target=server.keep_running, args=(stopping,))
        keeper.start()
        try:
            for _ in range(2):
                for pid in pids(server):
                    with suppress(ProcessLookupError):  # the others end by themselves
                        os.kill(pid, signal.SIGKILL)
                assert within(20, partial(is_reached, dsn))
        finally:
            stopping.set()
            keeper.join(20)


def is_reached(dsn: str) -> bool:
    with suppress(psycopg.OperationalError):
        return words(dsn) == [("still here",)]
    return False


def test_a_data_folder_has_one_supervisor(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir, settings=FAST) as server:
        with pytest.raises(DataFolderInUse, match=f"process {os.getpid()}"):
            EmbeddedPostgres(data_dir, settings=FAST).start()

        assert words(server.dsn) == [("still here",)]


def test_a_refused_setting_is_quoted_and_leaves_the_folder_free(data_dir: Path) -> None:
    with pytest.raises(EmbeddedPostgresFailed, match="work_mem"):
        EmbeddedPostgres(data_dir, settings={"work_mem": "plenty"}).start()

    with EmbeddedPostgres(data_dir, settings=FAST) as server:
        assert words(server.dsn) == [("still here",)]


def test_a_long_data_path_works(data_dir: Path) -> None:
    deep = data_dir.parent / "long" / ("x" * 100) / ("y" * 100)
    deep.parent.mkdir(parents=True)
    subprocess.run(["cp", "-a", str(data_dir), str(deep)], check=True)

    with EmbeddedPostgres(deep, settings=FAST) as server:
        assert words(server.dsn) == [("still here",)]


@pytest.mark.skipif(not SYSTEM, reason="needs a PostgreSQL of the system's own")
def test_the_binaries_of_the_system_serve_as_well(open_folder: Path) -> None:
    bin_dir = Path(str(SYSTEM)).parent
    server = EmbeddedPostgres(open_folder / "system", settings=FAST, bin_dir=bin_dir)
    with server, psycopg.connect(server.dsn) as db:
        assert db.info.server_version >= 15_00_00


def test_a_configured_folder_without_binaries_is_an_error(data_dir: Path) -> None:
    with pytest.raises(PostgresNotFound):
        EmbeddedPostgres(data_dir, bin_dir=data_dir).start()


@as_root
def test_binaries_out_of_reach_are_copied_once(data_dir: Path, open_folder: Path) -> None:
    found = find_binaries(server_account(), configured=None, copies=open_folder).folder
    prefix, package = found.parent, found.parent.parent
    closed = open_folder / "home"
    closed.mkdir(mode=0o700)
    (closed / package.name).mkdir()
    for part, to in ((prefix, package.name), (Path(f"{package}.libs"), "")):
        subprocess.run(["cp", "-a", str(part), str(closed / to)], check=part.exists())

    for _ in range(2):
        hidden = closed / package.name / prefix.name / found.name
        with EmbeddedPostgres(data_dir, settings=FAST, bin_dir=hidden) as server:
            assert words(server.dsn) == [("still here",)]
    assert len(list(data_dir.glob("runtime-*"))) == 1
    assert closed.stat().st_mode & 0o777 == 0o700


@as_root
def test_an_ordinary_user_can_do_the_same(open_folder: Path) -> None:
    account, python = server_account(), Path(sys.executable).resolve()
    if account.blocked_at(python.parent):  # as a virtual environment made in root's home is
        python = Path(SYSTEM_PYTHON or pytest.skip("an ordinary user may not run any Python"))
    home = open_folder / "user"
    home.mkdir(mode=0o700)
    account.take(home)

    for _ in range(2):
        process, pid = owner_of(home / "data", python=str(python), uid=account.uid)
        assert Path(f"/proc/{pid}").stat().st_uid == account.uid
        kill(process)
    assert within(5, partial(gone, pid))
