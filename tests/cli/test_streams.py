"""Closed and full streams, and machines without a home folder.

The command does its work, or says in one line why it can't.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.run.commands import AUTOML, PENGUINS, QUICK, WINE, automl

FIT = " ".join([AUTOML, "fit", PENGUINS, "--target", "species", *QUICK, "--output"])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a run."""
    folder = tmp_path_factory.mktemp("home")
    fit = ("fit", WINE, "--target", "cultivar", *QUICK, "--output", "run")
    done = automl(*fit, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def shell(command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_a_fit_with_closed_streams_does_its_work(closed: str, tmp_path: Path) -> None:
    done = shell(f"{FIT} run {closed}", tmp_path)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    run = tmp_path / "run"
    assert (run / "DONE").exists()
    log = (run / "events.jsonl").read_bytes()
    assert b"automl" not in log  # no message was written there by mistake


@pytest.mark.parametrize(
    "words",
    ["predict run {table} >&-", "predict run {table} --output p.csv >&-", "leaderboard run 2>&-"],
)
def test_other_commands_do_their_work(words: str, home: Path) -> None:
    done = shell(f"{AUTOML} {words.format(table=WINE)}", home)
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.parametrize("words", ["predict run -", "fit - --target y"])
def test_a_closed_input_is_an_empty_one(words: str, home: Path) -> None:
    done = shell(f"{AUTOML} {words} <&-", home)
    assert done.returncode == 2
    assert done.stderr == "automl: stdin: the file is empty\n"


@pytest.mark.parametrize(
    ("words", "code"),
    [("fit no.csv --target y", 2), ("nonsense", 2), ("predict nowhere no.csv", 2)],
)
def test_the_exit_code_is_the_same_where_no_message_can_be_shown(
    words: str, code: int, home: Path
) -> None:
    done = shell(f"{AUTOML} {words} >&- 2>&-", home)
    assert done.returncode == code


@pytest.mark.parametrize("words", ["predict run {table}", "leaderboard run", "stages"])
def test_a_full_disk_behind_standard_output_is_one_line(words: str, home: Path) -> None:
    done = shell(f"{AUTOML} {words.format(table=WINE)} > /dev/full", home)
    assert done.returncode == 1
    assert done.stderr == "automl: output: No space left on device\n"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become a user that is on no list")
def test_a_command_line_is_exported_where_there_is_no_home() -> None:
    script = """
import os
from automl.track.to_zip import _without_home
print(_without_home("automl fit /root/x.csv"))
os.environ.pop("HOME")
os.setuid(54321)
print(_without_home("automl fit /root/x.csv"))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "HOME": "/root"},
        check=True,
    )
    assert done.stdout.splitlines() == ["automl fit ~/x.csv", "automl fit /root/x.csv"]
