"""A run folder as an experiment: its settings, its environment, and its outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from automl.errors import InputError
from automl.event_log import replay
from automl.metrics import metric_of
from automl.pipeline import former_names
from automl.report.summary import Expected, expected
from automl.run_files import LOG
from automl.stages import STAGES
from automl.store import run_facts
from automl.study import Study
from automl.timeline import Timeline, read_timeline

GENERIC_FILE_NAMES = ("data", "train")  # without ending: the folder says more about the table
ENVIRONMENT = ("git", "python", "machine", "jobs", "engine")


@dataclass(frozen=True)
class Experiment:
    """A run folder that was read.

    Parameters
    ----------
    folder : Path
    study : Study
    timeline : Timeline
    facts : mapping
        Contents of run.toml; empty if the run was killed before it was written.
    """

    folder: Path
    study: Study
    timeline: Timeline
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.resolve().name

    @property
    def state(self) -> str:
        """How the run ended: "done", "interrupted" or "not ended"."""
        return self.study.finished or "not ended"

    @property
    def expected(self) -> Expected | None:
        """The score that the predictor can be expected to have, with its interval."""
        return expected(self.study)

    @cached_property
    def data(self) -> Mapping[str, Any]:
        """Facts about the table, from run.toml."""
        return self._section("data")

    @cached_property
    def run(self) -> Mapping[str, Any]:
        """Facts about the machine and the code, from run.toml."""
        return self._section("run")

    def _section(self, name: str) -> Mapping[str, Any]:
        section: Mapping[str, Any] = self.facts.get(name, {})
        return section

    @property
    def table(self) -> str:
        """Name of the table's file, or of its folder if the file is called data or train."""
        source = self.data.get("source", "")
        source = self.data.get("path", source)
        path = Path(str(source))
        folder = path.parent.name
        if path.stem in GENERIC_FILE_NAMES and folder:
            return folder
        return path.name

    @property
    def target(self) -> str:
        """Name of the column that is predicted."""
        if self.study.task is None:
            return str(self.data.get("target", ""))
        return self.study.task.target

    @property
    def metric(self) -> str:
        """Name of the metric; empty before the task is known."""
        if self.study.task is None:
            return ""
        return metric_of(self.study.task).name

    def score(self, loss: float) -> float:
        """Return a loss as a score in the metric's natural sign."""
        metric = metric_of(self.study.known_task)
        return metric.score(loss)

    def settings(self) -> dict[str, str]:
        """Return everything that may make a difference to the outcome, by name.

        That is data, budget, seed, options, environment, code, packages and how rows are held out.
        """
        settings = {}
        for section in ("data", "budget"):
            for key, value in self._section(section).items():
                settings[f"{section} {key}"] = value
        settings.pop("data path", None)
        settings["seed"] = self.facts.get("seed", self.study.seed)
        stages = self.facts.get("stage", ())
        settings |= options_of(stages)
        for key in ENVIRONMENT:
            if key in self.run:
                settings[key] = self.run[key]
        packages = self.run.get("packages", {})
        for name, version in packages.items():
            settings[f"package {name}"] = version
        if self.study.task is not None:
            plan = self.study.plan
            settings["rows"] = self.study.size.rows
            settings["columns"] = self.study.size.columns
            settings["held out"] = f"{plan.kind} {plan.folds} x {plan.repeats}"
        return {name: str(setting) for name, setting in settings.items()}


def options_of(stages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the options of all stages by name; a stage's second use is numbered, as in tune2."""
    options = {}
    uses = Counter[str]()
    for stage in stages:
        name = str(stage.get("use", ""))
        uses[name] += 1
        count = uses[name]
        label = name if count == 1 else f"{name}{count}"
        present = former_names(STAGES[name]) if name in STAGES else {}
        for key, value in stage.items():
            if key != "use":
                options[f"{label}.{present.get(key, key)}"] = value
    return options


def read_experiment(folder: Path) -> Experiment:
    """Read the experiment of a run folder.

    Raises
    ------
    InputError
        The folder is not a run folder, or its files are damaged.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such run folder.")
    study = replay(folder)
    timeline = read_timeline(folder)
    facts = run_facts(folder)
    return Experiment(folder, study, timeline, facts)


def run_folders(folder: Path) -> Iterator[Path]:
    """Yield the run folders below a folder, or the folder itself if it is one.

    Links, hidden folders and the folders within a run are not searched.
    """
    if (folder / LOG).exists():
        yield folder
        return
    for path in sorted(folder.iterdir()):
        is_hidden = path.name.startswith(".")
        if path.is_symlink() or is_hidden:
            continue
        if path.is_dir():
            yield from run_folders(path)
