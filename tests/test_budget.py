"""A budget is a deadline: what is left never grows, and what a stage leaves rolls on."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.budget import (
    Budget,
    _cgroup_memory,
    crowding,
    parse_duration,
    parse_memory,
    process_started,
    too_short,
    usable_cores,
)
from automl.errors import InputError


class Hand:
    """A clock that is turned by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@given(
    st.lists(st.floats(0.1, 9), min_size=1, max_size=6),
    st.lists(st.floats(0, 3), min_size=6, max_size=6),
)
def test_stages_together_never_get_more_than_there_is(
    shares: list[float], used: list[float]
) -> None:
    hand = Hand()
    budget = Budget(10.0, hand)
    for part, seconds in zip(budget.divide(shares), used, strict=False):
        assert part.deadline <= budget.deadline + 1e-9
        hand.now += min(seconds, part.remaining())
    assert budget.remaining() >= -1e-9


def test_what_a_stage_leaves_rolls_on() -> None:
    hand = Hand()
    parts = Budget(10.0, hand).divide([1, 1])
    assert next(parts).remaining() == 5
    hand.now = 1.0
    assert next(parts).remaining() == 9


def test_nothing_is_left_after_the_deadline() -> None:
    assert Budget(5.0, lambda: 7.0).remaining() == 0.0


def test_a_budget_of_trials_has_no_clock() -> None:
    budget = Budget(trials=5)
    assert not budget.timed
    assert budget.affords(1e12)
    assert [part.trials for part in budget.divide([1, 2])] == [5, 5]


def test_what_is_kept_back_is_not_spent() -> None:
    assert Budget(10.0, lambda: 0.0).keeping(3).remaining() == 7
    assert Budget(10.0, lambda: 0.0).within(99).remaining() == 10


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("1.5h", 5400), (" 2 m ", 120)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "10x", "-5", "0", "1h-3m", "1e9d", "nan"])
def test_what_is_no_duration_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError, match="--budget") as caught:
        parse_duration(text)
    assert "\n" not in str(caught.value)


def test_a_budget_that_can_not_be_promised_is_told_by_the_name_that_the_user_knows() -> None:
    assert too_short(None) == too_short(5.0) == ""
    assert too_short(2.0, "budget").startswith("budget: 2 s may be too short for any model")
    with pytest.raises(InputError, match=r"^budget: 'soon' is not a duration"):
        parse_duration("soon", "budget")


def test_sizes_are_read() -> None:
    assert parse_memory("8GB") == 8 * 10**9
    assert parse_memory("500 MiB") == 500 * 10**6


@pytest.mark.parametrize("text", ["", "much", "-1GB", "5"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--memory"):
        parse_memory(text)


def test_the_process_started_a_while_ago_but_not_long() -> None:
    assert 0 < time.monotonic() - process_started() < 3600 * 12
    assert math.isfinite(process_started())


def test_the_start_of_a_process_is_known_to_a_tenth_of_a_second() -> None:
    script = "import time; from automl.budget import process_started; time.sleep(0.3); print(process_started())"
    before = time.monotonic()
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert before - 0.02 <= float(said.stdout) <= before + 0.1


def test_there_is_a_core() -> None:
    assert usable_cores() >= 1


def test_the_memory_that_a_cgroup_allows_is_respected(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("0::/a/b\n")
    for name, most, used in (("a", "1000", "300"), ("a/b", "max", "200")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "memory.max").write_text(f"{most}\n")
        (tmp_path / name / "memory.current").write_text(f"{used}\n")
        (tmp_path / name / "memory.stat").write_text("anon 5\ninactive_file 50\n")
    assert _cgroup_memory(tmp_path, own) == [750]
    assert _cgroup_memory(tmp_path, tmp_path / "none") == []


def test_others_crowd_the_machine_and_own_children_do_not() -> None:
    cores = os.cpu_count() or 1
    spin = [sys.executable, "-c", "while True: pass"]
    own = [subprocess.Popen(spin) for _ in range(4 * cores)]
    time.sleep(0.5)
    among_own = min(crowding() for _ in range(5))
    for process in own:
        process.kill()
        process.wait()
    pids = subprocess.run(
        [
            "sh",
            "-c",
            f"for i in $(seq {4 * cores}); do '{spin[0]}' -c '{spin[2]}' > /dev/null 2>&1 & echo $!; done",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()  # their shell is gone, so they are nobody's children
    time.sleep(0.5)
    among_others = max(crowding() for _ in range(5))
    for pid in pids:
        os.kill(int(pid), signal.SIGKILL)
    assert among_others >= max(2.0, among_own)  # others may crowd the machine already
