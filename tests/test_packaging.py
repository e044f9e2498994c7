"""The distribution holds what it needs, and the locks, the Makefile and CI fit it."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "--target",
        "wheel",
        "--directory",
        str(folder),
    ]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_holds_every_module_and_every_sql_file(wheel: zipfile.ZipFile) -> None:
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    source = {
        path.relative_to(ROOT / "src").as_posix()
        for pattern in ("*.py", "*.sql")
        for path in (ROOT / "src").rglob(pattern)
    }

    assert source <= packed
    tops = {"ledger", "projections", "api", "simulator", "bukubesar_verify.py"}
    assert {name.split("/")[0] for name in packed} == tops


def test_the_wheel_brings_the_commands(wheel: zipfile.ZipFile) -> None:
    entry = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))

    told = wheel.read(entry).decode().splitlines()
    assert {"bukubesar = api.cli:main", "bukubesar-verify = bukubesar_verify:main"} <= set(told)


@pytest.mark.parametrize(
    ("lock", "extras"),
    [("server", ()), ("runtime", ("embedded",)), ("dev", ("embedded", "dev"))],
)
def test_a_lock_pins_every_requirement_within_its_bounds(
    lock: str, extras: tuple[str, ...]
) -> None:
    pinned = _pins(lock)
    asked = [*PROJECT["dependencies"], *(line for extra in extras for line in EXTRAS[extra])]

    for requirement in map(Requirement, asked):
        name = canonicalize_name(requirement.name)
        assert name in pinned, f"{name} is not in {lock}.lock: run `make lock`"
        assert requirement.specifier.contains(pinned[name]), f"{name} {pinned[name]} in {lock}.lock"


@pytest.mark.parametrize("lock", ["server", "runtime", "build"])
def test_all_locks_pin_the_same_versions(lock: str) -> None:
    dev = _pins("dev")

    assert {
        name: version for name, version in _pins(lock).items() if dev.get(name) != version
    } == {}


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
@pytest.mark.parametrize(
    "target", ["setup", "demo", "test", "up", "check", "replay", "docs", "format", "clean"]
)
def test_make_knows_the_target(target: str) -> None:
    told = subprocess.run(
        ["make", "--dry-run", target],
        cwd=ROOT,
        env=_without_make(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 0, told.stderr


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_make_refuses_a_python_that_is_too_old(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "requirements/dev.lock"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)

    told = subprocess.run(
        ["make", "setup", f"PYTHON={old}"],
        cwd=tmp_path,
        env=_without_make(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode != 0
    assert "older than Python 3.11" in told.stderr
    assert not (tmp_path / ".venv").exists()


def test_ci_runs_make_check() -> None:
    script = ROOT / ".ci/run"

    assert os.access(script, os.X_OK)
    assert script.read_text().splitlines()[-1] == "exec make check"


def _pins(lock: str) -> dict[str, str]:
    text = (ROOT / f"requirements/{lock}.lock").read_text()
    return {canonicalize_name(name): version for name, version in PIN.findall(text)}


def _without_make() -> dict[str, str]:
    """When `make test` runs us, its own flags must not reach the make that we run."""
    return {
        key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))
    }
