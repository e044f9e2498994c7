"""What is shown while a replay works, on a terminal and without one."""

import io
import time

from rich.console import Console

from projections.replay_progress import shown


def test_on_a_terminal_each_step_has_a_bar_with_its_rate_and_what_remains() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100, color_system=None)

    with shown(console) as progress:
        for done in range(0, 2_001, 500):
            progress("replaying", done, 2_000)
            time.sleep(0.15)
        for done in (0, 50, 100):
            progress("comparing", done, 100)
            time.sleep(0.15)

    text = screen.getvalue()
    assert "replaying" in text
    assert "comparing" in text
    assert "/s" in text
    assert "50%" in text
    assert "0:00:0" in text


def test_without_a_terminal_long_work_says_now_and_then_how_far_it_is() -> None:
    screen = io.StringIO()

    with shown(Console(file=screen), say_every=0.05) as progress:
        progress("replaying", 0, 2_000)
        time.sleep(0.12)  # silent, as when PostgreSQL sorts
        progress("replaying", 1_000, 2_000)
        time.sleep(0.12)

    lines = screen.getvalue().splitlines()
    assert lines[0] == "replaying         0 of 2,000"
    assert lines[-1].startswith("replaying         1,000 of 2,000, ")
    assert lines[-1].endswith(" s left")


def test_short_work_says_nothing_without_a_terminal() -> None:
    screen = io.StringIO()

    with shown(Console(file=screen)) as progress:
        progress("replaying", 1, 1)

    assert screen.getvalue() == ""
