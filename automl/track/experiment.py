"""One run folder as an experiment: what was asked, where and with what it ran, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from automl.errors import InputError
from automl.metrics import metric_of
from automl.report.summary import Expected, expected
from automl.store import LOG, replay, run_facts
from automl.timeline import Timeline, read
from automl.trial import Study


@dataclass(frozen=True)
class Experiment:
    """A run folder, read.

    Parameters
    ----------
    folder : Path
    study : Study
    timeline : Timeline
    facts : mapping
        What run.toml says; nothing if the run was killed before it was there.
    """

    folder: Path
    study: Study
    timeline: Timeline
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    @property
    def state(self) -> str:
        """How it ended: done, interrupted, or not (yet)."""
        return self.study.finished or "not ended"

    @property
    def expected(self) -> Expected | None:
        """The score to be expected, with its interval."""
        return expected(self.study)

    @cached_property
    def data(self) -> Mapping[str, Any]:
        """What run.toml says of the table."""
        told: Mapping[str, Any] = self.facts.get("data", {})
        return told

    @cached_property
    def run(self) -> Mapping[str, Any]:
        """What run.toml says of the machine and the code."""
        told: Mapping[str, Any] = self.facts.get("run", {})
        return told

    @property
    def table(self) -> str:
        """The table's name: the file's, or of one called data.csv its folder's."""
        path = Path(str(self.data.get("path", self.data.get("source", ""))))
        return (
            path.parent.name if path.stem in ("data", "train") and path.parent.name else path.name
        )

    @property
    def target(self) -> str:
        """The column that is predicted."""
        return self.study.task.target if self.study.task else str(self.data.get("target", ""))

    @property
    def metric(self) -> str:
        """What is optimised."""
        return metric_of(self.study.task).name if self.study.task else ""

    def settings(self) -> dict[str, str]:
        """Everything that may make a difference, by name: data, budget, seed, options, environment, code."""
        told = {f"data {key}": value for key, value in self.data.items() if key != "path"}
        told |= {f"budget {key}": value for key, value in self.facts.get("budget", {}).items()}
        told["seed"] = self.facts.get("seed", self.study.seed)
        told |= _options(self.facts.get("stage", ()))
        told |= {
            key: self.run[key]
            for key in ("git", "python", "machine", "jobs", "engine")
            if key in self.run
        }
        told |= {
            f"package {name}": version for name, version in self.run.get("packages", {}).items()
        }
        if self.study.task is not None:
            plan = self.study.plan
            told |= {
                "rows": self.study.size.rows,
                "columns": self.study.size.columns,
                "held out": f"{plan.kind} {plan.folds} x {plan.repeats}",
            }
        return {name: str(value) for name, value in told.items()}


def _options(stages: Any) -> dict[str, Any]:
    """The options of all stages by name; a stage that stands twice has a number."""
    told: dict[str, Any] = {}
    seen: dict[str, int] = {}
    for stage in stages:
        name = str(stage.get("use", ""))
        seen[name] = seen.get(name, 0) + 1
        label = name if seen[name] == 1 else f"{name}{seen[name]}"
        told |= {f"{label}.{key}": value for key, value in stage.items() if key != "use"}
    return told


def read_experiment(folder: Path) -> Experiment:
    """The experiment of a run folder.

    Raises
    ------
    InputError
        It is no run folder, or what lies in it is damaged.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such run folder.")
    return Experiment(folder, replay(folder), read(folder), run_facts(folder))


def run_folders(folder: Path) -> Iterator[Path]:
    """The run folders below a folder, and itself if it is one; neither a run's own folders nor links are looked through."""
    if (folder / LOG).exists():
        yield folder
        return
    for child in sorted(
        path
        for path in folder.iterdir()
        if path.is_dir() and not (path.is_symlink() or path.name.startswith("."))
    ):
        yield from run_folders(child)
