"""`python -m faults.chaos --kills 200 --commands 2000 --seed 1`: exit code 0 only when no invariant is violated."""

import asyncio
import sys
from argparse import ArgumentParser
from dataclasses import replace

import structlog
from rich.console import Console

from faults.chaos import report
from faults.chaos.run import run
from faults.chaos.trial import Size

SHORT = Size(
    kills=22,
    commands=140,
    seconds=24.0,
    calm_payments=25,
    dense_kills=0,
    periods=0,
    subscribers=16,
    days=4,
)


def main() -> int:
    parser = ArgumentParser(prog="python -m faults.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=Size.kills)
    parser.add_argument("--commands", type=int, default=Size.commands)
    parser.add_argument("--seconds", type=float, help="of chaos; else as many as the kills need")
    parser.add_argument("--seed", type=int, default=Size.seed)
    parser.add_argument("--short", action="store_true", help="a minute and a half instead of six")
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    console = Console(highlight=False, width=140 if not sys.stdout.isatty() else None)
    size = Size(
        kills=asked.kills,
        commands=asked.commands,
        seconds=asked.seconds or max(30.0, asked.kills * 1.15),
        seed=asked.seed,
    )
    if asked.short:
        size = replace(SHORT, seed=asked.seed)
    done = asyncio.run(run(size, lambda words: print(words, flush=True)))
    report.write(done)
    report.show(done, console)
    return 0 if done.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
