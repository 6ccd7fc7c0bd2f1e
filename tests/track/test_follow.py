"""A run is followed by its log, trial by trial, until nobody writes it any more."""

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
from automl.track.tracker import record_run
from automl.trial import Trial
from tests.report.runs import cleaned_run, empty_run, full_run


class Recorder:
    """A tracker that notes its calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def begin(self, experiment: Experiment) -> None:
        self.calls.append("begin")

    def trial(self, experiment: Experiment, trial: Trial) -> None:
        assert experiment.study.is_complete(trial)
        self.calls.append(trial.id)

    def end(self, experiment: Experiment) -> list[Path]:
        self.calls.append(f"end {experiment.state}")
        return []


class Failing(Recorder):
    def trial(self, experiment: Experiment, trial: Trial) -> None:
        raise RuntimeError("boom")


def test_an_ended_run_is_recorded_in_the_order_of_its_trials(tmp_path: Path) -> None:
    full_run(tmp_path / "run").store.close()
    experiment = read_experiment(tmp_path / "run")
    recorder = Recorder()
    record_run(experiment, recorder)
    trials = sorted(experiment.study.ranked, key=experiment.timeline.completed)
    ids = [trial.id for trial in trials]
    assert recorder.calls == ["begin", *ids, "end done"]


def test_a_run_that_goes_on_is_followed_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "MIN_POLL_SECONDS", 0.01)
    source = full_run(tmp_path / "source")
    made = empty_run(tmp_path / "run")
    recorder = Recorder()
    follower = threading.Thread(target=follow.follow, args=(tmp_path / "run", [recorder]))
    follower.start()
    for index, (_, event) in enumerate(source.told[1:]):
        made.tell(event, after=0.1)
        if index % 20 == 0:
            time.sleep(0.03)
    assert follower.is_alive()  # the writer lives
    made.store.close()
    follower.join(10)
    assert not follower.is_alive()
    first, *ids, last = recorder.calls
    assert (first, last) == ("begin", "end done")
    assert sorted(ids) == sorted(trial.id for trial in made.study.ranked)


def test_a_tracker_that_fails_does_not_stop_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    full_run(tmp_path / "run").store.close()
    failing = Failing()
    recorder = Recorder()
    follow.follow(tmp_path / "run", [failing, recorder])
    assert failing.calls == ["begin"]
    assert recorder.calls[-1] == "end done"
    assert "RuntimeError: boom" in capsys.readouterr().err


def test_a_run_that_was_killed_is_followed_no_more(tmp_path: Path) -> None:
    cleaned_run(tmp_path / "run").store.close()
    recorder = Recorder()
    follow.follow(tmp_path / "run", [recorder])
    assert recorder.calls == ["begin", "end not ended"]


def test_unknown_and_missing_trackers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"Did you mean 'wandb'\?"):
        follow.parse_kinds("wandbb")
    monkeypatch.setattr(follow, "TRACKER_LIBRARIES", {"mlflow": "no_such_library_at_all"})
    with pytest.raises(MissingExtra, match="pip install"):
        follow.parse_kinds("mlflow")
    assert follow.parse_kinds(" , ") == ()


def test_an_unknown_tracker_is_reported_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "t.csv"
    table.write_text("a,b\n" + "1,0\n2,1\n" * 20, encoding="utf-8")
    command = ["automl", "fit", str(table), "--target", "b", "--track", "comet"]
    command += ["--output", str(tmp_path / "run")]
    monkeypatch.setattr(sys, "argv", command)
    assert cli._run() == 2
    assert "no such tracker" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
