"""What a search of architectures did: its proposals, the rungs they climbed, and who is best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from automl.search.architectures import FIXED
from automl.search.networks import NETWORK, network_epochs
from automl.search.rungs import Ladder, Rung
from automl.space import Space, existing
from automl.study import Study
from automl.trial import Trial

Params = Mapping[str, Any]
Difference = tuple[str, Any, Any]  # name, the first one's value, the second one's value


@dataclass(frozen=True)
class Level:
    """What happened on one rung.

    Parameters
    ----------
    rung : Rung
    reached : int
        Number of proposals that were judged on it.
    dropped : int
        Number of those that were dropped because of it.
    seconds : float
        Processor seconds of the training of the dropped ones, or of those that are complete.
    """

    rung: Rung
    reached: int
    dropped: int
    seconds: float


@dataclass(frozen=True)
class NetworkSearch:
    """A search of architectures.

    Parameters
    ----------
    study : Study
    start : Trial
        The network that the search began with.
    proposals : tuple of Trial
        Those that climbed rungs: at least one, in the order in which they were proposed.
    networks : tuple of Trial
        All complete networks, at least one, best first. Some may be older than the search.
    """

    study: Study
    start: Trial
    proposals: tuple[Trial, ...]
    networks: tuple[Trial, ...]

    @property
    def best(self) -> Trial:
        """The best complete network."""
        return self.networks[0]

    @property
    def is_found(self) -> bool:
        """Whether the best network is one of the proposals."""
        return self.best in self.proposals

    @cached_property
    def space(self) -> Space:
        """The range of each hyperparameter of networks with the best one's recipe."""
        return self.study.space(NETWORK, self.best.candidate.recipe)

    @property
    def epochs(self) -> int:
        """Number of epochs of a whole training on the training rows of a fold."""
        return network_epochs(self.study)

    def params(self, trial: Trial) -> dict[str, Any]:
        """Return a network's hyperparameters, with the family's values where none are given."""
        return self.study.all_params(NETWORK, trial.candidate.params)

    def differences(self, trial: Trial, other: Trial) -> list[Difference]:
        """Return the hyperparameters in which two networks differ, and their recipes.

        Those that have no effect in one of them are left out.
        """
        values = self._features(trial)
        other_values = self._features(other)
        found = []
        for name, value in values.items():
            if name not in other_values:
                continue
            other_value = other_values[name]
            if value != other_value:
                difference = (name, value, other_value)
                found.append(difference)
        return found

    def _features(self, trial: Trial) -> dict[str, Any]:
        params = existing(self.space, self.params(trial))
        in_effect = _in_effect(params)
        features = {}
        for name in self.space:
            if name in in_effect:
                features[name] = in_effect[name]
        features["recipe"] = trial.candidate.recipe.name
        return features

    @cached_property
    def ladder(self) -> Ladder:
        """The rungs that proposals climbed, as the log has them."""
        rounds = set()
        splits = set()
        for trial in self.proposals:
            for job in trial.jobs.values():
                if job.is_resumable:
                    rounds.add(job.rounds)
                    splits.add(job.split)
        n_folds = len(splits)
        n_rows = self.study.size.rows
        n_splits = len(self.study.plan.splits)
        lower = [Rung(n_folds, n_rows, reached) for reached in sorted(rounds, key=_number)]
        whole = [Rung(folds) for folds in sorted({n_folds, n_splits})]
        rungs = (*lower, *whole)
        return Ladder(rungs)

    @cached_property
    def levels(self) -> list[Level]:
        """What happened on each rung, the lowest one first."""
        heights = self._heights.values()
        levels = []
        for index, rung in enumerate(self.ladder.rungs):
            reached = [height for height in heights if height > index]
            ended = self._ended_at(index)
            dropped = [trial for trial in ended if trial.decided == "dropped"]
            seconds = sum(map(training_seconds, ended))
            level = Level(
                rung,
                len(reached),
                len(dropped),
                seconds,
            )
            levels.append(level)
        return levels

    def _ended_at(self, index: int) -> list[Trial]:
        """Return the proposals whose highest rung is this one."""
        height = index + 1
        return [trial for trial in self.proposals if self._heights[trial.id] == height]

    @cached_property
    def _heights(self) -> Mapping[str, int]:
        """The number of rungs that each proposal has been through, by its id."""
        return {trial.id: self._height(trial) for trial in self.proposals}

    def _height(self, trial: Trial) -> int:
        """Return the number of rungs that a proposal has been through."""
        height = 0
        for index in range(len(self.ladder.rungs)):
            if self.ladder.result(self.study, trial, index) is not None:
                height = index + 1
        return height

    @property
    def seconds(self) -> float:
        """Processor seconds of training all proposals."""
        return sum(map(training_seconds, self.proposals))


def find_network_search(study: Study) -> NetworkSearch | None:
    """Return the search of architectures in a run; None if there was none."""
    proposed = []
    complete = []
    for trial in study.trials.values():
        if trial.family == NETWORK and _is_proposed(trial):
            proposed.append(trial)
    for trial in study.ranked:
        if trial.family == NETWORK:
            complete.append(trial)
    climbing = [trial for trial in proposed if _climbs(trial)]
    if not climbing or not complete:
        return None
    return NetworkSearch(
        study,
        proposed[0],
        tuple(climbing),
        tuple(complete),
    )


def _is_proposed(trial: Trial) -> bool:
    """Return whether a network has the values that a search of architectures fixes."""
    params = trial.candidate.params
    if trial.candidate.origin != "tune" or "block" not in params:
        return False
    return all(params.get(name) == value for name, value in FIXED.items())


def _climbs(trial: Trial) -> bool:
    """Return whether a network was judged on rungs of epochs."""
    return any(job.is_resumable for job in trial.jobs.values())


def training_seconds(trial: Trial) -> float:
    """Return the processor seconds of a proposal's training on folds."""
    seconds = []
    for key, outcome in trial.outcomes.items():
        job = trial.jobs[key]
        if job.fold is not None:
            threads = job.resources.threads
            seconds.append(threads * outcome.seconds)
    return sum(seconds)


def _in_effect(params: Params) -> dict[str, Any]:
    """Return a network's hyperparameters as it was built by them.

    The first block has no way around it, so one that is alone is plain.

    >>> _in_effect({"layers": 1, "block": "residual"})
    {'layers': 1, 'block': 'plain'}
    """
    built = dict(params)
    if built["layers"] == 1 and built["block"] == "residual":
        built["block"] = "plain"
    return built


def _number(rounds: int | None) -> int:
    return rounds or 0
