"""A run is followed from its log, trial by trial, and left when nobody writes it any more."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest

from automl import cli
from automl.errors import InputError, MissingExtra
from automl.track import follow
from automl.track.experiment import Experiment, read_experiment
from automl.track.tracker import hand_over
from automl.trial import Trial
from tests.report.runs import cleaned_run, empty_run, full_run


class Noted:
    """A tracker that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def begin(self, one: Experiment) -> None:
        self.told.append("begin")

    def trial(self, one: Experiment, trial: Trial) -> None:
        assert one.study.complete(trial)
        self.told.append(trial.id)

    def end(self, one: Experiment) -> list[Path]:
        self.told.append(f"end {one.state}")
        return []


def test_a_run_that_is_there_is_told_in_the_order_of_its_trials(tmp_path: Path) -> None:
    full_run(tmp_path / "run").store.close()
    one, noted = read_experiment(tmp_path / "run"), Noted()
    hand_over(one, noted)
    assert noted.told[0] == "begin"
    assert noted.told[1:-1] == [
        trial.id for trial in sorted(one.study.ranked, key=one.timeline.completed)
    ]
    assert noted.told[-1] == "end done"


def test_a_run_that_goes_on_is_followed_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "MIN_PAUSE_SECONDS", 0.01)
    source = full_run(tmp_path / "source")
    made, noted = empty_run(tmp_path / "run"), Noted()
    follower = threading.Thread(target=follow.follow, args=(tmp_path / "run", [noted]))
    follower.start()
    for place, (_, event) in enumerate(source.told[1:]):
        made.tell(event, after=0.1)
        if place % 20 == 0:
            time.sleep(0.03)
    assert follower.is_alive()  # the writer lives
    made.store.close()
    follower.join(10)
    assert not follower.is_alive()
    assert sorted(noted.told[1:-1]) == sorted(trial.id for trial in made.study.ranked)
    assert (noted.told[0], noted.told[-1]) == ("begin", "end done")


def test_a_tracker_that_fails_costs_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Failing(Noted):
        def trial(self, one: Experiment, trial: Trial) -> None:
            raise RuntimeError("boom")

    full_run(tmp_path / "run").store.close()
    failing, noted = Failing(), Noted()
    follow.follow(tmp_path / "run", [failing, noted])
    assert failing.told == ["begin"]
    assert noted.told[-1] == "end done"
    assert "RuntimeError: boom" in capsys.readouterr().err


def test_a_run_that_was_killed_is_left(tmp_path: Path) -> None:
    cleaned_run(tmp_path / "run").store.close()
    noted = Noted()
    follow.follow(tmp_path / "run", [noted])
    assert noted.told == ["begin", "end not ended"]


def test_an_unknown_or_missing_tracker_is_told_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match=r"Did you mean 'wandb'\?"):
        follow.checked("wandbb")
    monkeypatch.setattr(follow, "LIBRARIES", {"mlflow": "no_such_library_at_all"})
    with pytest.raises(MissingExtra, match="pip install"):
        follow.checked("mlflow")
    assert follow.checked(" , ") == ()
    monkeypatch.undo()
    table = tmp_path / "t.csv"
    table.write_text("a,b\n" + "1,0\n2,1\n" * 20, encoding="utf-8")
    monkeypatch.setattr(
        sys,
        "argv",
        [
            "automl",
            "fit",
            str(table),
            "--target",
            "b",
            "--track",
            "comet",
            "--output",
            str(tmp_path / "run"),
        ],
    )
    assert cli._run() == 2
    assert "no such tracker" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
