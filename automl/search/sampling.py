"""How values are proposed: Optuna's samplers, and the grid that fits a space."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from automl.space import Choice, Range, Space

if TYPE_CHECKING:
    import optuna

Method = Literal["tpe", "random", "grid", "quasi", "cmaes", "gp"]
Pruner = Literal["wilcoxon", "none"]

LEVELS = (5, 4, 3, 2)  # of each number in a grid
LARGEST_GRID = 20_000


@dataclass(frozen=True)
class Sampling:
    """How Optuna proposes values, and how it gives proposals up."""

    method: Method = "tpe"
    pruner: Pruner = "wilcoxon"

    def study(self, seed: int) -> optuna.Study:
        """An Optuna study."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        samplers: dict[Method, Callable[[], optuna.samplers.BaseSampler]] = {
            "tpe": lambda: optuna.samplers.TPESampler(
                n_startup_trials=6, multivariate=True, constant_liar=True, seed=seed
            ),
            "random": lambda: optuna.samplers.RandomSampler(seed=seed),
            "grid": lambda: optuna.samplers.RandomSampler(
                seed=seed
            ),  # Optuna's own ends a study from inside, which asking does not allow
            "quasi": lambda: optuna.samplers.QMCSampler(
                scramble=True, seed=seed, warn_independent_sampling=False
            ),
            "cmaes": lambda: optuna.samplers.CmaEsSampler(
                seed=seed, warn_independent_sampling=False
            ),
            "gp": lambda: optuna.samplers.GPSampler(seed=seed, warn_independent_sampling=False),
        }
        pruners: dict[Pruner, Callable[[], optuna.pruners.BasePruner]] = {
            "wilcoxon": lambda: optuna.pruners.WilcoxonPruner(p_threshold=0.15, n_startup_steps=2),
            "none": optuna.pruners.NopPruner,
        }
        with warnings.catch_warnings():
            # multivariate, constant_liar and the pruner are so marked
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return optuna.create_study(
                sampler=samplers[self.method](), pruner=pruners[self.pruner]()
            )

    def all_of(self, space: Space, seed: int) -> Iterator[dict[str, Any]] | None:
        """Every point of the grid, in an order at random; None for methods that never come to an end."""
        return _points(grid(space), seed) if self.method == "grid" else None


def _points(levels: Mapping[str, Sequence[Any]], seed: int) -> Iterator[dict[str, Any]]:
    sizes = [len(values) for values in levels.values()]
    for point in np.random.default_rng(seed).permutation(math.prod(sizes)):
        indices = np.unravel_index(point, sizes) if sizes else ()
        yield {
            name: values[int(index)]
            for (name, values), index in zip(levels.items(), indices, strict=True)
        }


def grid(space: Space) -> dict[str, list[Any]]:
    """Values of each hyperparameter whose combinations are all tried, in an order at random: as many as make no more than `LARGEST_GRID`.

    >>> from automl.space import Float
    >>> grid({"rate": Float(0.01, 1.0, log=True), "kind": Choice(("a", "b"))})
    {'rate': [0.01, 0.032, 0.1, 0.32, 1.0], 'kind': ['a', 'b']}
    """
    made = [{name: _levels(range_, count) for name, range_ in space.items()} for count in LEVELS]
    return next(
        (one for one in made if math.prod(map(len, one.values())) <= LARGEST_GRID), made[-1]
    )


def _levels(range_: Range, count: int) -> list[Any]:
    """So many values of a range, its ends among them; a choice's own values."""
    if isinstance(range_, Choice):
        return list(range_.values)
    values = [range_.nearest(_rounded(range_.at(index))) for index in np.linspace(0, 1, count)]
    return list(dict.fromkeys(values))


def _rounded(value: float) -> float:
    return float(f"{value:.2g}")
