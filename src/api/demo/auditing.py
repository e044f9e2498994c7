"""Acts: an auditor takes files away and checks them with programs that know nothing of ours."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

import bukubesar_verify
from api.demo import stage
from api.demo.answers import Balance, Json
from api.demo.notices import SCHEMA
from api.demo.scene import Scene
from api.tools import SEALS
from projections.exporting import export
from projections.plain_text_accounting import beancount_name

EXPLAINED: Final = "Assets:Gateway:Midtrans:Available"
CHECKED_ON: Final = "9999-12-31"  # after every entry


class Adder(NamedTuple):
    """A program that adds the journal up again; what is `claimed` of an account fails if it does not hold."""

    name: str
    is_here: bool
    command: tuple[str, ...]  # and then the file
    claimed: Callable[[Balance], str]


ADDERS: Final = (
    Adder(
        "beancount",
        find_spec("beancount") is not None,
        (sys.executable, "-m", "beancount.scripts.check"),
        lambda it: f"{CHECKED_ON} balance {beancount_name(it.account)} {it.balance} IDR\n",
    ),
    Adder(
        "hledger",
        shutil.which("hledger") is not None,
        ("hledger", "check", "--strict", "assertions", "--file"),
        lambda it: f"{CHECKED_ON} checked\n    {it.account}  0 IDR = {it.balance} IDR\n",
    ),
)
HERE: Final = [one for one in ADDERS if one.is_here]
ADDED_UP: Final = "The journal is added up by " + " and ".join(
    one.name if one.is_here else f"{one.name} (which is not installed here)" for one in ADDERS
)


async def sealed(scene: Scene) -> None:
    """The log and its seals as files, and a verifier that has neither our code nor our database."""
    made = await asyncio.to_thread(stage.run, "seals", "make", "--data-dir", scene.folder)
    scene.checks.equal("how `bukubesar seals make` ended", 0, made.returncode)
    key = await asyncio.to_thread(stage.run, "seals", "key", "--data-dir", scene.folder)
    log = await asyncio.to_thread(_exported, scene, "jsonl")
    whole = await asyncio.to_thread(_verified, key.stdout.strip(), log, scene)
    scene.checks.equal("the log and its seals, checked offline", (0, "nothing"), whole)
    await asyncio.to_thread(_change_a_digit, log)
    changed, words = await asyncio.to_thread(_verified, key.stdout.strip(), log, scene)
    scene.checks.holds(
        "the same with one digit of the log changed",
        "exit code 1 and the position",
        words.rpartition("WRONG")[2].strip(),
        changed == 1 and "at position" in words,
    )


def _verified(key: str, log: Path, scene: Scene) -> tuple[int, str]:
    """Isolated (-I), so that nothing of ours can be imported; exit code, and what was said if it failed."""
    program, seals = bukubesar_verify.__file__, Path(scene.folder) / SEALS
    command = [sys.executable, "-I", program, "--key", key, str(log), str(seals)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, (done.stdout + done.stderr).strip() if done.returncode else "nothing"


def _change_a_digit(log: Path) -> None:
    """In the middle, where a forger would hope that nobody looks."""
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    at = len(lines) // 2
    lines[at] = re.sub(r"2(?=0\d\d-)", "3", lines[at], count=1)
    log.write_text("".join(lines), encoding="utf-8")


async def explained(scene: Scene) -> None:
    """Each posting behind a balance, with the command that somebody gave."""
    books = await scene.api.trial_balance()
    told = await scene.api.explain(f"/api/v1/explain/accounts/{EXPLAINED}?pageSize=100")
    postings = [one async for one in _postings(scene, told)]
    scene.checks.equal(
        f"{len(postings)} postings behind {EXPLAINED}",
        books.balance(EXPLAINED),
        sum(one["amount"] for one in postings),
    )
    unsaid = [
        one["words"] for one in postings if '"actor"' not in msgspec.json.encode(one).decode()
    ]
    scene.checks.none("postings of which nobody says who had them recorded", unsaid)


async def _postings(scene: Scene, part: Json) -> AsyncIterator[Json]:
    """Down every part and after every `more`, as an auditor would."""
    if part["kind"] == "posting":
        yield part
        return
    if more := part.get("more"):
        part = await scene.api.explain(more)
    for below in part["parts"]:
        async for one in _postings(scene, below):
            yield one


async def added_up(scene: Scene) -> None:
    """By what the API says of every account; the programs refuse a file in which that is not so."""
    books = await scene.api.trial_balance()
    for adder in HERE:
        wrong = await asyncio.to_thread(_wrong, scene, adder, books.accounts)
        scene.checks.equal(
            f"what {adder.name} finds wrong with {len(books.accounts)} accounts", "nothing", wrong
        )


def _wrong(scene: Scene, adder: Adder, accounts: Sequence[Balance]) -> str:
    file = _exported(scene, adder.name)
    with file.open("a", encoding="utf-8") as out:
        out.writelines("\n" + adder.claimed(one) for one in accounts)
    done = subprocess.run(
        [*adder.command, file],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LANG": "C.UTF-8"},
    )
    return (done.stdout + done.stderr).strip() if done.returncode else "nothing"


def _exported(scene: Scene, form: str) -> Path:
    file = Path(scene.folder) / "audit" / f"log.{form}"
    file.parent.mkdir(exist_ok=True)
    with file.open("wb") as out:
        export(scene.database, SCHEMA, out.write, format=form)
    return file
