"""How values of hyperparameters are proposed: Optuna's samplers, and a grid that fits a space."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from automl.search.proposal_queue import Params, ProposalQueue
from automl.space import Choice, Range, Space, existing

if TYPE_CHECKING:
    import optuna

Method = Literal["tpe", "random", "grid", "quasi", "cmaes", "gp"]
Pruner = Literal["wilcoxon", "none"]
Point = dict[str, Any]  # a value of each hyperparameter
Levels = dict[str, list[Any]]  # the values of each hyperparameter

GRID_LEVELS = (5, 4, 3, 2)  # values of each number, as many as keep the grid small enough
MAX_GRID_POINTS = 20_000
# One proposal in this many is spread evenly over the space, where the sampler is to explore it.
EXPLORING_PERIOD = 12


@dataclass(frozen=True)
class Sampling:
    """How Optuna proposes values, and how it prunes proposals.

    Parameters
    ----------
    method : str
    pruner : str
    fixed : mapping of str to mapping
        By family, hyperparameters that are not searched, with the values of all its proposals.
    kept : mapping of str to tuple of str
        By family, hyperparameters that are not searched, of which proposals have the best values.
    best_first : bool
        Whether proposals begin with the best values that are known, for others to be compared with.
    explores : bool
        Whether some proposals are spread evenly over the whole space, so that more is learnt about
        it than about the surroundings of the best.
    """

    method: Method = "tpe"
    pruner: Pruner = "wilcoxon"
    fixed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    kept: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    best_first: bool = False
    explores: bool = False

    def kept_names(self, family: str) -> tuple[str, ...]:
        """Return a family's hyperparameters that proposals take from the best trial."""
        return self.kept.get(family, ())

    def fixed_values(self, family: str) -> Mapping[str, Any]:
        """Return a family's hyperparameters that are not searched, with their values."""
        return self.fixed.get(family, {})

    def searched(self, family: str, space: Space) -> Space:
        """Return a family's space without the hyperparameters that are not searched."""
        known = set(self.fixed_values(family))
        known.update(self.kept_names(family))
        names = [name for name in space if name not in known]
        return {name: space[name] for name in names}

    def create_study(self, seed: int, has_conditions: bool = False) -> optuna.Study:
        """Return a new Optuna study, of a space whose hyperparameters may have conditions."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with warnings.catch_warnings():
            # Optuna marks multivariate, constant_liar and the pruner as experimental.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = self._sampler(seed, has_conditions)
            pruner = self._pruner()
            return optuna.create_study(sampler=sampler, pruner=pruner)

    def _sampler(self, seed: int, has_conditions: bool) -> optuna.samplers.BaseSampler:
        from optuna import samplers

        match self.method:
            case "tpe":
                return samplers.TPESampler(
                    n_startup_trials=6,
                    multivariate=True,
                    constant_liar=True,
                    group=has_conditions,  # else those with a condition are drawn at random
                    seed=seed,
                )
            case "quasi":
                return samplers.QMCSampler(
                    scramble=True,
                    seed=seed,
                    warn_independent_sampling=False,
                )
            case "cmaes":
                return samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
            case "gp":
                return samplers.GPSampler(seed=seed, warn_independent_sampling=False)
            case "random" | "grid":
                # Optuna's own grid ends a study from inside, which `ask` does not allow.
                return samplers.RandomSampler(seed=seed)

    def _pruner(self) -> optuna.pruners.BasePruner:
        from optuna import pruners

        if self.pruner == "none":
            return pruners.NopPruner()
        return pruners.WilcoxonPruner(p_threshold=0.15, n_startup_steps=2)

    def queue(
        self,
        space: Space,
        seed: int,
        first: Params | None = None,
    ) -> ProposalQueue:
        """Return what is proposed without asking the sampler: perhaps some values before all."""
        if self.explores:
            return ProposalQueue(first, even_points(space, seed), EXPLORING_PERIOD)
        return ProposalQueue(first, self.grid_points(space, seed))

    def grid_points(
        self,
        space: Space,
        seed: int,
    ) -> Iterator[Point] | None:
        """Return every point of the grid in random order; None for methods without an end."""
        if self.method != "grid":
            return None
        points = _shuffled_points(grid(space), seed)
        return _distinct(existing(space, point) for point in points)


def even_points(space: Space, seed: int) -> Iterator[Point]:
    """Yield points without an end that are spread evenly over a space (scrambled Halton).

    >>> from automl.space import Float
    >>> points = even_points({"rate": Float(0.0, 1.0), "kind": Choice(("a", "b"))}, seed=0)
    >>> sorted(next(points)["rate"] < 0.5 for _ in range(4))
    [False, False, True, True]
    """
    from scipy.stats import qmc

    n_axes = len(space)
    sequence = qmc.Halton(n_axes, rng=seed)
    while True:
        (positions,) = sequence.random()
        point = {}
        named = zip(space, positions, strict=True)
        for name, position in named:
            range_ = space[name]
            point[name] = range_.from_unit(position)
        yield existing(space, point)


def _distinct(points: Iterable[Point]) -> Iterator[Point]:
    """Yield points that differ from all before them."""
    seen = set()
    for point in points:
        key = repr(point)
        if key not in seen:
            seen.add(key)
            yield point


def _shuffled_points(
    levels: Levels,
    seed: int,
) -> Iterator[Point]:
    sizes = [len(values) for values in levels.values()]
    rng = np.random.default_rng(seed)
    n_points = math.prod(sizes)
    for number in rng.permutation(n_points):
        indices = np.unravel_index(number, sizes) if sizes else ()
        point = {}
        for name, index in zip(levels, indices, strict=True):
            values = levels[name]
            point[name] = values[int(index)]
        yield point


def grid(space: Space) -> Levels:
    """Return the values of each hyperparameter in a grid.

    There are as many values as make no more than `MAX_GRID_POINTS` combinations.

    >>> from automl.space import Float
    >>> grid({"rate": Float(0.01, 1.0, log=True), "kind": Choice(("a", "b"))})
    {'rate': [0.01, 0.032, 0.1, 0.32, 1.0], 'kind': ['a', 'b']}
    """
    levels: Levels = {}
    for count in GRID_LEVELS:
        levels = {name: _levels(range_, count) for name, range_ in space.items()}
        sizes = [len(values) for values in levels.values()]
        if math.prod(sizes) <= MAX_GRID_POINTS:
            break
    return levels


def _levels(
    range_: Range,
    count: int,
) -> list[Any]:
    """Return values of a range, its ends among them; a choice's own values."""
    if isinstance(range_, Choice):
        return list(range_.values)
    values = []
    for index in np.linspace(0, 1, count):
        value = float(f"{range_.from_unit(index):.2g}")
        values.append(range_.nearest(value))
    return list(dict.fromkeys(values))
