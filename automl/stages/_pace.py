"""Whether there is time for another round of a loop."""

from __future__ import annotations

from automl.budget import Budget


class Pace:
    """Stop a loop when another round like the longest one would use up reserved seconds.

    Parameters
    ----------
    budget : Budget
    keep : float
        Seconds of the budget to leave.
    """

    def __init__(self, budget: Budget, keep: float) -> None:
        self._budget = budget
        self._keep = keep
        self._before = budget.remaining()
        self._longest = 0.0

    def __call__(self) -> bool:
        """Return whether to continue; called after each round."""
        if not self._budget.is_timed:
            return True
        now = self._budget.remaining()
        self._longest = max(self._longest, self._before - now)
        self._before = now
        return now > self._keep + self._longest
