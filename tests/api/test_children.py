"""Real processes, and a parent that is really killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from api import children
from api.children import PARENT_PIPE, Children, Watchdog, command_line, processes_about

IMPORTED = (Path(children.__file__).parents[1], Path(structlog.__file__).parents[1])
ENV = {"PYTHONPATH": os.pathsep.join(map(str, IMPORTED)), "PATH": os.defpath}
SLEEP = ["sleep", "60"]

CHILD = """
import sys, time
from api.children import die_with_parent
die_with_parent(grace_seconds=0.5)
if sys.argv[1:] == ["deaf"]:
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(60)
"""

PARENT = """
import sys, time
from pathlib import Path
from api.children import Children
family = Children()
for name, argv in (("polite", []), ("deaf", ["deaf"])):
    log = Path(sys.argv[1], name)
    family.start(name, [sys.executable, "-c", sys.argv[2], *argv], log_file=log)
    while not log.read_text():
        time.sleep(0.01)
print(*family.pids().values(), flush=True)
if sys.argv[3:]:
    family.start("late", ["sleep", "60"])
    print(family.run_until_signal().name, flush=True)
    family.stop()
else:
    time.sleep(60)
"""


@pytest.fixture
def family() -> Iterator[Children]:
    family = Children()
    yield family
    family.stop()


def within(seconds: float, condition: Callable[[], object]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def parent(tmp_path: Path, *more: str) -> tuple["subprocess.Popen[str]", list[int]]:
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), CHILD, *more],
        env=ENV,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    lines = iter(process.stdout.readline, "")
    words = next(line.split() for line in lines if line.strip().replace(" ", "").isdigit())
    return process, [int(word) for word in words]


def test_children_run_under_their_names_and_stop(family: Children) -> None:
    pid = family.start("a", SLEEP)
    family.start("b", SLEEP)

    assert family.pids()["a"] == pid
    assert os.getpgid(pid) == pid != os.getpgrp()
    family.stop()
    assert family.pids() == {}
    assert command_line(pid) == ""


def test_a_name_is_given_once_and_nothing_starts_after_the_end(family: Children) -> None:
    family.start("a", SLEEP)
    with pytest.raises(ValueError, match="a"):
        family.start("a", SLEEP)
    family.stop()

    with pytest.raises(ValueError, match="b"):
        family.start("b", SLEEP)


def test_a_program_that_does_not_exist_is_an_error_at_once(family: Children) -> None:
    with pytest.raises(FileNotFoundError):
        family.start("a", ["/nonexistent"])

    assert family.pids() == {}


def test_a_child_that_died_is_started_again(family: Children) -> None:
    first = family.start("a", SLEEP)
    os.kill(first, signal.SIGKILL)

    assert within(3, lambda: family.restarts()["a"] == 1)
    assert family.pids()["a"] != first


def test_a_child_that_keeps_dying_is_started_ever_more_slowly(
    family: Children, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    family.start("a", ["sh", "-c", "echo once"], log_file=log)
    time.sleep(1.1)  # 0, 0.2, 0.6 seconds; the next is due after 1.4

    assert family.restarts() == {"a": 2}
    assert log.read_text() == "once\n" * 3


def test_a_child_gets_the_environment_it_is_given(family: Children, tmp_path: Path) -> None:
    log = tmp_path / "log"
    family.start("a", ["sh", "-c", "env; exec sleep 60"], env={"COLOUR": "blue"}, log_file=log)

    assert within(3, lambda: "COLOUR=blue" in log.read_text())
    assert PARENT_PIPE in log.read_text()
    assert "HOME=" not in log.read_text()


def test_a_deaf_child_is_killed_in_the_end(
    family: Children, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "STOP_WITHIN_SECONDS", 0.3)
    log = tmp_path / "log"
    pid = family.start("a", ["sh", "-c", "trap '' TERM; echo deaf; sleep 60 & wait"], log_file=log)
    assert within(3, log.read_text)
    family.stop()

    assert command_line(pid) == ""


def test_children_die_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    process, pids = parent(tmp_path)
    assert len(pids) == 2
    process.kill()
    process.communicate()

    assert within(5, lambda: not any(command_line(pid) for pid in pids))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait_and_the_children(tmp_path: Path, number: signal.Signals) -> None:
    process, pids = parent(tmp_path, "wait")
    time.sleep(0.2)
    os.kill(pids[1], signal.SIGKILL)  # would wait ten seconds for the deaf one
    process.send_signal(number)
    said, _ = process.communicate(timeout=9)

    assert number.name in said
    assert process.returncode == 0
    assert not any(command_line(pid) for pid in pids)


def test_without_a_parent_nothing_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PARENT_PIPE, raising=False)
    threads = threading.active_count()
    children.die_with_parent()

    assert threading.active_count() == threads


def test_a_watchdog_barks_when_its_end_of_the_pipe_closes() -> None:
    with subprocess.Popen(["sleep", "60"]) as guarded:
        watchdog = Watchdog()
        watchdog.guard(guarded.pid)
        del watchdog  # closes the pipe, as our death would

        assert guarded.wait(5) == -signal.SIGINT


@pytest.mark.parametrize("guarding", [True, False])
def test_a_released_watchdog_leaves_without_a_bark(guarding: bool) -> None:
    with subprocess.Popen(["sleep", "60"]) as guarded:
        watchdog = Watchdog()
        if guarding:
            watchdog.guard(guarded.pid)
        watchdog.release()
        watchdog.release()

        assert guarded.poll() is None
        guarded.kill()


@pytest.mark.skipif(not children.PROC.is_dir(), reason="needs /proc")
def test_processes_are_found_by_program_and_working_folder(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"], cwd=tmp_path) as process:
        assert within(3, lambda: list(processes_about(tmp_path, "sleep")) == [process.pid])
        assert processes_about(tmp_path, "postgres") == {}
        process.kill()
