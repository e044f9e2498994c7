"""The house rules as functions over a folder that is laid out like this repository.

Each gives what it found as `file:line: what is wrong`; nothing found is an empty list. They read the code and never
import it, so that they can be shown to fail on a folder with one planted fault.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

LONGEST_FILE: Final = 400
LONGEST_FUNCTION: Final = 50

# What each package of ours may import from the others. The simulator is a stranger to all.
LAYERS: Final = {
    "ledger": {"ledger"},
    "projections": {"projections", "ledger"},
    "api": {"api", "projections", "ledger"},
    "simulator": {"simulator"},
}

WORLD: Final = frozenset(
    (
        *(
            "eventsourcing",
            "psycopg",
            "psycopg_pool",
            "httpx",
            "httpx2",
            "aiohttp",
            "fastapi",
            "starlette",
            "uvicorn",
        ),
        *("os", "socket", "random", "subprocess"),
    )
)
MAY_TOUCH_THE_WORLD: Final = (
    "src/ledger/crashpoint.py",  # ends the process that it is in
    "src/ledger/*/service.py",
    "src/ledger/eventstore/*.py",
    "src/ledger/providers/midtrans/adapter.py",
    "src/ledger/providers/midtrans/connection.py",
    "src/ledger/providers/midtrans/sessions.py",
    "src/ledger/privacy/sealing.py",  # nonces come from the system
)

TIME: Final = {
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "time": {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"},
}
MAY_ASK_FOR_THE_TIME: Final = (
    "src/ledger/clock.py",
    "src/simulator/*.py",  # a stranger with a clock of its own
    # Watching processes start and stop is about this machine's seconds, not about the world's time.
    "src/api/children.py",
    "src/api/durability.py",
    "src/api/embedded.py",
    "src/api/up.py",
)

VAGUE: Final = frozenset(
    ["utils", "util", "helpers", "helper", "common", "base", "manager", "data", "info", "misc"]
)
TOPIC: Final = re.compile(r"[a-z_]+(\.[a-z_]+)+\.v\d+")
ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)

# Spelled in parts, or this file would be the first to be found.
NOT_OURS_TO_TELL: Final = tuple(
    "".join(parts)
    for parts in (
        ("/wor", "k/"),
        ("/ro", "ot/"),
        ("lead-", "notes"),
        ("issues ", "show"),
        ("pypi", ".org"),
        ("python", "hosted"),
        ("registry", ".npmjs"),
    )
)


@dataclass(frozen=True)
class Module:
    path: Path
    name: str  # relative to the root, with slashes

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    def is_one_of(self, patterns: tuple[str, ...]) -> bool:
        return any(Path(self.name).match(pattern) for pattern in patterns)


def modules(root: Path, *folders: str) -> Iterator[Module]:
    for folder in folders or ("src", "tests", "scripts"):
        for path in sorted((root / folder).rglob("*.py")):
            yield Module(path, path.relative_to(root).as_posix())


def imports(module: Module) -> Iterator[tuple[int, str]]:
    """The line and the full name of everything that a module imports, wherever in it."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""


# ── direction ─────────────────────────────────────────────────────────────────────────────────────────────────


def imports_against_the_grain(root: Path) -> list[str]:
    return [
        f"{module.name}:{line}: {package} may not import {name}"
        for package, allowed in LAYERS.items()
        for module in modules(root, f"src/{package}")
        for line, name in imports(module)
        if name.split(".")[0] in LAYERS.keys() - allowed
    ]


def worldly_imports(root: Path) -> list[str]:
    return [
        f"{module.name}:{line}: a pure file may not import {name}"
        for module in modules(root, "src/ledger")
        if not module.is_one_of(MAY_TOUCH_THE_WORLD)
        for line, name in imports(module)
        if name.split(".")[0] in WORLD
    ]


def questions_for_the_time(root: Path) -> list[str]:
    return [
        f"{module.name}:{line}: only ledger/clock.py asks for the time, this is {name}"
        for module in modules(root, "src")
        if not module.is_one_of(MAY_ASK_FOR_THE_TIME)
        for line, name in _asked(module)
    ]


def _asked(module: Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and node.attr in TIME.get(_last_name(node.value), ()):
            yield node.lineno, f"{_last_name(node.value)}.{node.attr}"
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (
                (node.lineno, f"time.{a.name}") for a in node.names if a.name in TIME["time"]
            )


def _last_name(node: ast.expr) -> str:
    """`datetime` of both `datetime.now` and `datetime.datetime.now`."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


# ── shape ─────────────────────────────────────────────────────────────────────────────────────────────────────


def long_files(root: Path) -> list[str]:
    lengths = {module.name: len(module.text.splitlines()) for module in modules(root)}
    return [
        f"{name}:1: {length} lines" for name, length in lengths.items() if length > LONGEST_FILE
    ]


def long_functions(root: Path) -> list[str]:
    return [
        f"{module.name}:{node.lineno}: {node.name} has {length} lines"
        for module in modules(root)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (length := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
    ]


def silent_modules(root: Path) -> list[str]:
    return [
        f"{module.name}:1: does not say what it is"
        for module in modules(root)
        if not ast.get_docstring(module.tree)
    ]


def vague_names(root: Path) -> list[str]:
    return [
        f"{module.name}:1: {part} says nothing"
        for module in modules(root)
        for part in Path(module.name).with_suffix("").parts
        if part in VAGUE
    ]


def packages_among_tests(root: Path) -> list[str]:
    found = [module for module in modules(root, "tests") if module.path.name == "__init__.py"]
    return [f"{module.name}:1: tests are no packages" for module in found]


def middleware_that_is_not_asgi(root: Path) -> list[str]:
    """One of Starlette's `BaseHTTPMiddleware` makes a request cost three times as much."""
    return [
        f"{module.name}:{line}: middleware has to be pure ASGI"
        for module in modules(root, "src")
        for line, name in _names(module)
        if name in ("BaseHTTPMiddleware", "app.middleware")
    ]


def _names(module: Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.alias):
            yield node.lineno, node.name
        elif isinstance(node, ast.Attribute):
            yield (
                node.lineno,
                node.attr if node.attr != "middleware" else f"{_last_name(node.value)}.middleware",
            )


# ── what is promised ──────────────────────────────────────────────────────────────────────────────────────────


def error_codes(root: Path) -> Iterator[tuple[str, int, str]]:
    for module in modules(
        root, *(f"src/{package}" for package in ("ledger", "projections", "api"))
    ):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef) and (code := _code(node)):
                yield module.name, node.lineno, code


def _code(error: ast.ClassDef) -> str:
    for statement in error.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        targets = [statement.target] if isinstance(statement, ast.AnnAssign) else targets
        if any(isinstance(target, ast.Name) and target.id == "code" for target in targets):
            value = getattr(statement, "value", None)
            return (
                value.value
                if isinstance(value, ast.Constant) and isinstance(value.value, str)
                else ""
            )
    return ""


def error_codes_at_fault(root: Path) -> list[str]:
    listed = _text(root / "docs/problems.md")
    found, seen = [], dict[str, str]()
    for name, line, code in error_codes(root):
        if code in seen:
            found.append(f"{name}:{line}: {code} is taken by {seen[code]}")
        seen.setdefault(code, name)
        if f"`{code}`" not in listed:
            found.append(f"{name}:{line}: {code} is not documented")
    return found


def topics(root: Path) -> Iterator[tuple[str, int, str]]:
    for module in modules(root, "src/ledger"):
        for node in ast.walk(module.tree):
            for keyword in node.keywords if isinstance(node, ast.ClassDef) else ():
                if keyword.arg == "topic" and isinstance(keyword.value, ast.Constant):
                    yield module.name, keyword.value.lineno, str(keyword.value.value)


def topics_at_fault(root: Path) -> list[str]:
    places: dict[str, list[str]] = defaultdict(list)
    for name, line, topic in topics(root):
        places[topic].append(f"{name}:{line}")
    twice = [f"{at[1]}: {topic} is taken by {at[0]}" for topic, at in places.items() if len(at) > 1]
    odd = [
        f"{at[0]}: {topic} is no topic"
        for topic, at in places.items()
        if not TOPIC.fullmatch(topic)
    ]
    bare = [
        f"{at[0]}: {topic} has no schema in docs/events"
        for topic, at in places.items()
        if TOPIC.fullmatch(topic) and not (root / "docs/events" / f"{topic}.json").is_file()
    ]
    return twice + odd + bare


def schemas_without_topic(root: Path) -> list[str]:
    known = {topic for _, _, topic in topics(root)}
    files = sorted((root / "docs/events").glob("*.json"))
    return [
        f"docs/events/{file.name}:1: no event has this topic"
        for file in files
        if file.stem not in known
    ]


def read_models_at_fault(root: Path) -> list[str]:
    """A read model is a module and an `.sql` of the same name; neither goes without the other."""
    bare = [
        f"{module.name}:1: has no {module.path.stem}.sql beside it"
        for module in modules(root, "src/projections")
        if ("sql.load(__name__)" in module.text or "\nFOLLOWS" in module.text)
        and module.path.name != "sql.py"
        and not module.path.with_suffix(".sql").is_file()
    ]
    orphans = [
        path
        for path in sorted((root / "src/projections").rglob("*.sql"))
        if not path.with_suffix(".py").is_file()
    ]
    return bare + [
        f"{path.relative_to(root).as_posix()}:1: belongs to no module" for path in orphans
    ]


# ── what may leave the house ──────────────────────────────────────────────────────────────────────────────────


def locks_at_fault(root: Path) -> list[str]:
    """A lock names versions and hashes, and nobody's address."""
    found = []
    for lock in sorted((root / "requirements").glob("*.lock")):
        text = lock.read_text(encoding="utf-8")
        found += [
            f"requirements/{lock.name}: holds the address {address}"
            for address in ADDRESS.findall(text)
        ]
        unhashed = re.findall(r"^[a-z][^\s=]*==[^\\\n]*$", text, re.MULTILINE)
        found += [f"requirements/{lock.name}: {line} has no hash" for line in unhashed]
    return found


def told_out_of_house(root: Path, files: list[Path]) -> list[str]:
    """Paths of the machine this was written on, its tools, and registries' addresses."""
    return [
        f"{path.relative_to(root).as_posix()}: tells {phrase}"
        for path in files
        for phrase in NOT_OURS_TO_TELL
        if phrase in path.read_text(encoding="utf-8", errors="replace")
    ]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
