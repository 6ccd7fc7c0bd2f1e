"""Early stopping: the one rule by which boosters and networks end on held-out rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

HeldOutLosses = tuple[float, ...]

# Held-out rows from which on a classification metric other than the log loss chooses the round.
MIN_HELD_OUT_ROWS_FOR_METRIC = 500


@dataclass
class EarlyStopping:
    """Follows held-out losses step by step, and says when no lower one is expected.

    A step is a boosting round or an epoch.

    Parameters
    ----------
    patience : callable
        Returns the number of steps without improvement after which a fit ends, given the last
        step that improved.
    min_gain_share : float
        Share of the first step's loss by which a step must be better to count as an improvement.
    losses : list of tuple of float
        Losses of the watched metrics, one tuple for each step: the first metric chooses the best
        step, ties are broken by the others, and the last one decides about stopping.
    best : int
        The step with the smallest losses, counted from 1; 0 before the first step.
    improved : int
        The last step that lowered the loss that decides about stopping.

    Examples
    --------
    >>> stopping = EarlyStopping(patience=lambda improved: 2)
    >>> for loss in (0.5, 0.3, 0.4, 0.35):
    ...     stopping.record((loss,))
    >>> stopping.best, stopping.is_over
    (2, True)
    """

    patience: Callable[[int], float]
    min_gain_share: float = 0.0
    losses: list[HeldOutLosses] = field(default_factory=list)
    best: int = 0
    improved: int = 0

    @property
    def steps(self) -> int:
        """Number of steps so far."""
        return len(self.losses)

    def record(self, losses: HeldOutLosses) -> None:
        """Record the losses after a step."""
        self.losses.append(losses)
        if self.steps == 1:
            self.best = 1
            self.improved = 1
            return
        if losses < self.losses[self.best - 1]:
            self.best = self.steps
        lowest = self.deciding_loss(self.improved)
        if self.deciding_loss(self.steps) < lowest - self._min_gain(lowest):
            self.improved = self.steps

    def _min_gain(self, lowest: float) -> float:
        """Return a share of the first loss that is not large compared with a small present one."""
        if not self.min_gain_share:
            return 0.0
        return self.min_gain_share * min(self.deciding_loss(1), 10 * lowest)

    def deciding_loss(self, step: int) -> float:
        """Return a step's loss of the metric that decides about stopping."""
        return self.losses[step - 1][-1]

    @property
    def is_over(self) -> bool:
        """Whether the last improvement is longer ago than the patience."""
        return self.steps - self.improved >= self.patience(self.improved)
