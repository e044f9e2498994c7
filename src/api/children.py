"""Processes of ours: started, restarted, and never left behind, even when we are killed.

The parent holds the only write end of a pipe. `Children` hand the read end down and follow it by
`die_with_parent`; for a program that is not ours a `Watchdog` does the following.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

import structlog

PARENT_PIPE: Final = "BUKUBESAR_PARENT_PIPE"
STOP_WITHIN_SECONDS: Final = 10.0
FIRST_DELAY_SECONDS: Final = 0.2
LONGEST_DELAY_SECONDS: Final = 5.0
HEALTHY_AFTER_SECONDS: Final = 10.0  # one that ran this long starts again at the first delay

PROC: Final = Path("/proc")

# A second line releases it; the end of the file means that the parent is gone. Until then the pid
# cannot pass to another process: a dead child keeps its pid until the parent reaps it.
WATCHDOG: Final = """
trap '' HUP INT TERM
read -r pid && [ "$pid" != released ] || exit 0
read -r released || kill -INT "$pid"
"""


def die_with_parent(grace_seconds: float = 5.0) -> None:
    """Called by a child first thing. Does nothing in a process that was started by hand."""
    if pipe := os.environ.pop(PARENT_PIPE, None):
        os.set_inheritable(int(pipe), False)
        threading.Thread(
            target=_follow_parent, args=(int(pipe), grace_seconds), name="parent", daemon=True
        ).start()


def _follow_parent(pipe: int, grace_seconds: float) -> None:
    os.read(pipe, 1)  # nobody ever writes, so this returns only once the parent is gone
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace_seconds)
    os._exit(1)


@dataclass
class _Child:
    argv: Sequence[str]
    env: Mapping[str, str] | None
    log_file: Path | None
    process: subprocess.Popen[bytes] = field(init=False)
    started: float = field(default_factory=time.monotonic)
    delay: float = FIRST_DELAY_SECONDS
    restarts: int = 0


class Children:
    """Named stateless processes. One that ends by itself is started again, ever more slowly."""

    def __init__(self, log: Any = None) -> None:
        self._log = log or structlog.get_logger(__name__)
        self._children: dict[str, _Child] = {}
        self._lock = threading.Lock()  # no child may be started while we are stopping them
        self._stopping = threading.Event()
        # Neither end outlives an exec unless handed over, and the write end never is.
        self._read_end, self._write_end = os.pipe()

    def start(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        log_file: Path | None = None,
    ) -> int:
        """The pid. `env` of None means ours; without a log file the child shares our output."""
        with self._lock:
            if self._stopping.is_set() or name in self._children:
                raise ValueError(f"The child {name} runs already, or all are being stopped.")
            child = _Child(argv, env, log_file)
            child.process = self._spawn(child)
            self._children[name] = child
        self._log.info("child.started", name=name, pid=child.process.pid)
        threading.Thread(
            target=self._keep_running, args=(name, child), name=f"child-{name}", daemon=True
        ).start()
        return child.process.pid

    def pids(self) -> dict[str, int]:
        """Of those that run now."""
        children = dict(self._children)
        return {name: c.process.pid for name, c in children.items() if c.process.poll() is None}

    def restarts(self) -> dict[str, int]:
        return {name: child.restarts for name, child in dict(self._children).items()}

    def run_until_signal(self) -> signal.Signals:
        """Wait in the main thread for SIGINT or SIGTERM. The caller then stops the children."""
        received: SimpleQueue[int] = SimpleQueue()  # unlike an Event, safe inside a handler
        ours = {
            number: signal.signal(number, lambda number, _: received.put(number))
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            return signal.Signals(received.get())
        finally:
            for number, handler in ours.items():
                signal.signal(number, handler)

    def stop(self) -> None:
        """SIGTERM, the latest first; after ten seconds SIGKILL, for they have no state to lose."""
        with self._lock:
            if self._stopping.is_set():
                return
            self._stopping.set()
        children = list(reversed(self._children.items()))
        for _, child in children:
            child.process.terminate()
        deadline = time.monotonic() + STOP_WITHIN_SECONDS
        for name, child in children:
            self._wait_or_kill(name, child.process, deadline)
        os.close(self._read_end)
        os.close(self._write_end)

    def _wait_or_kill(self, name: str, process: subprocess.Popen[bytes], deadline: float) -> None:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._log.warning("child.killed", name=name, pid=process.pid)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _spawn(self, child: _Child) -> subprocess.Popen[bytes]:
        """In a process group of its own: a Ctrl-C is for us, who then stop them in order."""
        env = os.environ if child.env is None else child.env
        with ExitStack() as stack:
            output = stack.enter_context(child.log_file.open("ab")) if child.log_file else None
            return subprocess.Popen(
                child.argv,
                env={**env, PARENT_PIPE: str(self._read_end)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                process_group=0,
                pass_fds=(self._read_end,),
            )

    def _keep_running(self, name: str, child: _Child) -> None:
        while True:
            code = child.process.wait()
            if time.monotonic() - child.started > HEALTHY_AFTER_SECONDS:
                child.delay = FIRST_DELAY_SECONDS
            if not self._stopping.is_set():
                self._log.warning("child.died", name=name, code=code, again_in=child.delay)
            if self._stopping.wait(child.delay):
                return
            child.delay = min(child.delay * 2, LONGEST_DELAY_SECONDS)
            self._start_again(name, child)

    def _start_again(self, name: str, child: _Child) -> None:
        with self._lock:
            if self._stopping.is_set():
                return
            child.started = time.monotonic()
            try:
                child.process = self._spawn(child)
            except OSError as error:  # an upgrade may be replacing the program: try again later
                self._log.error("child.not_started", name=name, error=str(error))
                return
            child.restarts += 1
        self._log.info("child.restarted", name=name, pid=child.process.pid, times=child.restarts)


class Watchdog:
    """Sends SIGINT to a direct child of ours once we, or this object, are gone."""

    def __init__(self) -> None:
        # Not Popen's own pipe: subprocess keeps an unfinished Popen, and so its pipe, for ever.
        read_end, write_end = os.pipe()
        self._pipe = os.fdopen(write_end, "wb", buffering=0)
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", WATCHDOG], cwd="/", stdin=read_end, start_new_session=True
        )
        os.close(read_end)

    def guard(self, pid: int) -> None:
        self._tell(f"{pid}\n")

    def release(self) -> None:
        """To be called as soon as the child is reaped: from then on its pid may be another's."""
        self._tell("released\n")
        self._pipe.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        if not self._pipe.closed:
            with suppress(BrokenPipeError):
                self._pipe.write(line.encode())


def command_line(pid: int) -> str:
    """Joined by blanks; empty when there is no such process, or only its zombie."""
    if PROC.is_dir():
        with suppress(OSError):
            return (PROC / str(pid) / "cmdline").read_text(errors="replace").replace("\0", " ")
        return ""
    asked = ["ps", "-ww", "-o", "args=", "-p", str(pid)]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout


def processes_about(folder: Path, program: str) -> dict[int, str]:
    """Command line by pid of those named so that work in the folder or were started with it as an
    argument. Linux only; elsewhere none."""
    found = {}
    for place in PROC.glob("[0-9]*"):
        with suppress(OSError):
            pid, named = int(place.name), (place / "comm").read_text().strip() == program
            command = command_line(pid) if named else ""
            if f" {folder} " in command or (named and os.readlink(place / "cwd") == str(folder)):
                found[pid] = command
    return found
