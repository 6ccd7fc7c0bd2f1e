"""An experiment as an offline run of Weights & Biases, which `wandb sync` uploads."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from automl.files import require
from automl.run_files import FACTS, LEADERBOARD, PREDICTOR, REPORT
from automl.track.experiment import Experiment
from automl.track.tables import learning_curve, remembers_rows, trial_rows
from automl.track.tracker import record_run
from automl.trial import Trial

FILES = (
    LEADERBOARD,
    REPORT,
    FACTS,
)
CURVE_COLUMNS = ["trial", "family", "repeat", "fold", "round", "loss"]

Rows = list[list[Any]]
Table = tuple[list[str], Rows]  # names of columns, and rows


def export(experiment: Experiment, output: Path) -> list[Path]:
    """Write an offline run into a folder, and return the run's own folder: `wandb sync FOLDER`.

    Nothing leaves the machine until that command is called.

    Raises
    ------
    MissingExtra
        wandb is not installed.
    """
    tracker = WandB(output)
    return record_run(experiment, tracker)


class WandB:
    """A tracker that writes an offline run."""

    def __init__(self, output: Path) -> None:
        self._wandb = require("wandb", "wandb", "wandb")
        self._output = output
        self._best = math.inf

    def begin(self, experiment: Experiment) -> None:
        """Open the run, with everything that may make a difference as its configuration."""
        self._output.mkdir(parents=True, exist_ok=True)
        quiet = self._wandb.Settings(silent=True, console="off")
        self._run = self._wandb.init(
            project="automl",
            name=experiment.name,
            dir=str(self._output),
            mode="offline",
            config=experiment.settings(),
            settings=quiet,
        )
        self._run.define_metric("second")
        self._run.define_metric("*", step_metric="second")

    def trial(self, experiment: Experiment, trial: Trial) -> None:
        """Write a trial's loss and score by the second of its completion."""
        if trial.loss < self._best:
            self._best = trial.loss
        second = experiment.timeline.completed(trial)
        score_name = f"{trial.candidate.family}/{experiment.metric}"
        point = {
            "second": second,
            "loss": trial.loss,
            "best loss so far": self._best,
            score_name: experiment.score(trial.loss),
        }
        self._run.log(point)

    def end(self, experiment: Experiment) -> list[Path]:
        """Write tables of trials and learning curves, the outcome, and the run's files."""
        self._log_tables(experiment)
        study = experiment.study
        outcome: dict[str, Any] = {
            "seconds": experiment.timeline.last,
            "candidates": len(study.trials),
            "members": len(study.weights),
        }
        score = experiment.expected
        if score is not None:
            outcome[score.metric] = score.score
            outcome["low"] = score.low
            outcome["high"] = score.high
        self._run.summary.update(outcome)
        self._log_files(experiment)
        files = Path(self._run.dir)
        self._run.finish()
        return [files.parent]

    def _log_tables(self, experiment: Experiment) -> None:
        tables = {
            "trials": _trial_table(experiment),
            "curves": _curve_table(experiment),
        }
        second = experiment.timeline.last
        for name, table in tables.items():
            columns, data = table
            if not data:
                continue
            point = {"second": second}
            point[name] = self._wandb.Table(columns=columns, data=data)
            self._run.log(point)

    def _log_files(self, experiment: Experiment) -> None:
        """Write files of the run as an artifact.

        It may be sent to a cloud, so a predictor that remembers rows of the table stays here.
        """
        artifact = self._wandb.Artifact(f"run-{self._run.id}", type="automl-run")
        paths = [experiment.folder / name for name in FILES]
        predictor = experiment.folder / PREDICTOR
        if not remembers_rows(predictor):
            paths.append(predictor)
        for path in paths:
            if path.exists():
                artifact.add_file(str(path), name=path.name)
        self._run.log_artifact(artifact)


def _trial_table(experiment: Experiment) -> Table:
    rows = trial_rows(experiment)
    if not rows:
        return [], []
    names = list(rows[0])
    table: Rows = [[] for _ in rows]
    for name in names:
        values = [row[name] for row in rows]
        is_numeric = all(map(_is_number, values))
        for cells, value in zip(table, values, strict=True):
            cell = _cell(value, is_numeric)
            cells.append(cell)
    return names, table


def _is_number(value: Any) -> bool:
    """Return whether a value is a number or lacking."""
    if isinstance(value, bool):
        return False
    return value is None or isinstance(value, (int, float))


def _cell(value: Any, is_numeric: bool) -> Any:
    """Return a value for a column with one kind of value: numbers with gaps, or texts."""
    if value is None:
        return None if is_numeric else ""
    if is_numeric:
        return float(value)
    return str(value)


def _curve_table(experiment: Experiment) -> Table:
    data: Rows = []
    for trial in experiment.study.ranked:
        family = trial.candidate.family
        for repeat, fold in experiment.study.plan.splits:
            points = learning_curve(experiment, trial, repeat, fold)
            for step, loss in points:
                row = [trial.id, family, repeat, fold]
                row += [float(step), float(loss)]
                data.append(row)
    return CURVE_COLUMNS, data
