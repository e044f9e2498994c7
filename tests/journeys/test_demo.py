"""The whole story, as `make demo` tells it: its own deployment, its own folder, and nothing left running."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from api.children import processes_about

REPLAY = Path(__file__).parents[2] / "scripts" / "replay.py"
LAST_SECONDS = 180

CLAIMS = (
    "Payers pay by every method of the catalogue",
    "Money goes back to payers",
    "Somebody forges notices",
    "Our payments are compared with the gateway's book",
    "One customer is erased, and the trial balance is unchanged",
    "The log is replayed",
    "from request to instructions",
    "from payment to booked",
    "differences     0",
    "every claim holds",
    "python scripts/replay.py",
)


@pytest.fixture(scope="module")
def home(open_folder: Path) -> Path:
    """So that the demo's note of where its data lies does not displace that of the account running the tests."""
    folder = open_folder / "demo-home"
    folder.mkdir()
    return folder


def demo(home: Path, data_dir: Path) -> "subprocess.CompletedProcess[str]":
    return run(home, "-m", "api.cli", "demo", "--data-dir", str(data_dir))


def run(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("BUKUBESAR_")
    }
    environment |= {"HOME": str(home), "XDG_DATA_HOME": str(home)}
    argv = [sys.executable, *arguments]
    return subprocess.run(
        argv, env=environment, capture_output=True, text=True, timeout=LAST_SECONDS, check=False
    )


def test_the_demo_keeps_every_claim_and_can_be_replayed(home: Path) -> None:
    data_dir = home / "data"

    told = demo(home, data_dir)

    missing = [claim for claim in CLAIMS if claim not in told.stdout]
    assert (told.returncode, missing) == (0, []), told.stdout[-6_000:] + told.stderr[-4_000:]
    assert "✗" not in told.stdout
    assert str(data_dir) in told.stdout
    assert processes_about(data_dir / "pg", "postgres") == {}

    replayed = run(home, str(REPLAY))

    assert (replayed.returncode, "differences     0" in replayed.stdout) == (0, True), (
        replayed.stdout + replayed.stderr
    )


def test_a_folder_of_somebody_else_is_refused_and_left_as_it_is(home: Path) -> None:
    data_dir = home / "photos"
    data_dir.mkdir()
    (data_dir / "holiday.jpg").write_bytes(b"sea")

    refused = demo(home, data_dir)

    assert refused.returncode == 1
    assert "--data-dir" in refused.stderr
    assert [path.name for path in data_dir.iterdir()] == ["holiday.jpg"]
    shutil.rmtree(data_dir)
