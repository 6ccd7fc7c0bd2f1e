"""The end of a boosting run: limits of rounds, early stopping, and the deadline."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from automl.arrays import Matrix
from automl.models._base import FitContext
from automl.models._early_stopping import EarlyStopping, HeldOutLosses

Clock = Callable[[], float]
MAX_CURVE_POINTS = 200
# Where early stopping chooses: shallow trees improve for thousands of rounds at any learning rate.
MAX_ROUNDS = 10_000
# Learning rate x rounds, where no clock ends a fit: shallow trees gain little beyond.
_UNTIMED_MAX_TRAVEL = 75.0
# Trees of all classes together where no clock ends a fit, but at least this many rounds.
_UNTIMED_MAX_TREES = 4_000
_UNTIMED_MIN_ROUNDS = 500
# Of the first round's loss: where no clock ends a fit, it ends below this.
UNTIMED_LOSS_SHARE = 0.01

# Of the first round's loss: a smaller gain does not count as an improvement.
_MIN_GAIN_SHARE = 1e-4

_LAST_SECONDS = 0.03  # follow the last round, however few rounds there were
# Of the seconds spent so far, kept for what follows the last round where that can't be rehearsed.
_UNREHEARSED_SHARE = 0.15
# Numbers of trees after which what follows the last round is rehearsed and timed.
_REHEARSAL_TREES = (25, 100, 400, 1_600, 6_400, 25_600, 102_400, 409_600)
_REHEARSAL_ROWS = 1000  # held-out rows that a rehearsal predicts
_PACKING_FACTOR = 1.5  # of the seconds for writing and reading, with packing and restoring
_REHEARSAL_MARGIN = 1.5  # times as long the real thing may take


def patience(best_round: int, rows: int, learning_rate: float) -> int:
    """Return the rounds without improvement after which a fit ends.

    A share of the best round (20 + 0.3 x best) finds late gains; the floor carries a fit
    over its first noisy rounds. A floor of 300 rounds, as AutoGluon has it, would be most of a
    fit's time within budgets of a minute; 50 rounds at a learning rate of 0.05 lead as far as 250
    at 0.01, so it grows as the rate falls, and it shrinks above 10 000 rows, where the held-out
    loss is less noisy.

    Examples
    --------
    >>> patience(10, 1_000, 0.1), patience(10, 1_000, 0.01)
    (50, 250)
    >>> patience(10, 100_000, 0.1), patience(1_000, 1_000, 0.1)
    (23, 320)
    """
    slowness = max(1.0, 0.05 / learning_rate)
    noise = min(1.0, 10_000 / max(1, rows))
    floor = min(300.0, 50 * slowness) * noise
    share = 20 + 0.3 * best_round
    return int(max(20, floor, share))


def rounds_without_validation(learning_rate: float) -> int:
    """Return the rounds of a fit with neither held-out rows nor a given number of rounds.

    >>> rounds_without_validation(0.05)
    300
    """
    rounds = math.ceil(15 / learning_rate)
    return min(3_000, rounds)


def round_limit(learning_rate: float, outputs: int, timed: bool) -> int:
    """Return the largest number of rounds where early stopping chooses.

    Without a clock, this is what bounds a fit. On a table that can be learnt without error the loss
    falls for ever: 10 000 rounds of four classes, eight folds and four refits took 16 minutes and
    165 MB.

    >>> round_limit(0.05, 1, True), round_limit(0.05, 1, False)
    (10000, 1500)
    >>> round_limit(0.005, 4, False), round_limit(0.05, 100, False)
    (1000, 500)
    """
    if timed:
        return MAX_ROUNDS
    by_trees = _UNTIMED_MAX_TREES // trees_per_round(outputs)
    by_trees = max(by_trees, _UNTIMED_MIN_ROUNDS)
    by_travel = math.ceil(_UNTIMED_MAX_TRAVEL / learning_rate)
    return min(MAX_ROUNDS, by_trees, by_travel)


def trees_per_round(outputs: int) -> int:
    """Return the number of trees that a round adds."""
    if outputs > 2:
        return outputs
    return 1


@dataclass(frozen=True)
class FinalSteps:
    """The work after a boosting run's last round, which takes seconds for thousands of trees.

    Parameters
    ----------
    write : callable
        Writes the model as it is now, and reads it as trees of ours.
    predict : callable
        Predicts with the model as it is now.
    """

    write: Callable[[], object]
    predict: Callable[[Matrix], object]

    def rehearse(self, clock: Clock, held: Matrix | None) -> float:
        """Return the seconds that the work, packing included, would take now.

        Of the held-out rows, only a sample is predicted, and its time is scaled.
        """
        started = clock()
        self.write()
        written = clock()
        scale = 1.0
        if held is not None and len(held):
            scale = max(1.0, len(held) / _REHEARSAL_ROWS)
            self.predict(held[:_REHEARSAL_ROWS])
        predicted = clock()
        write_seconds = written - started
        predict_seconds = predicted - written
        return _PACKING_FACTOR * write_seconds + predict_seconds * scale


@dataclass
class Monitor:
    """Follows a boosting run and says after each round whether to start another one.

    A round that would not end before the deadline is not started; under a budget without a clock
    nothing here reads one.

    Parameters
    ----------
    context : How
    rows : int
        Number of training rows.
    learning_rate : float
    has_held_out : bool
        Whether there are held-out rows.
    rounds : int
        Number of rounds so far.
    stopped : bool
        Whether the deadline ended the run.
    final_steps : FinalSteps or None
        The work after the last round, rehearsed now and then.
    held_rows : ndarray of shape (n_held_out, n_features) or None
        The held-out rows, for the rehearsals.
    max_rounds : int
        The largest number of rounds where early stopping chooses.
    """

    context: FitContext
    rows: int
    learning_rate: float
    has_held_out: bool
    rounds: int = 0
    stopped: bool = False
    final_steps: FinalSteps | None = None
    held_rows: Matrix | None = None
    max_rounds: int = MAX_ROUNDS

    def __post_init__(self) -> None:
        outputs = self.context.task.n_outputs
        budget = self.context.budget
        self.stops_early = self.has_held_out and self.context.rounds is None
        self.limit = max(1, self._round_limit())
        self.early_stopping = EarlyStopping(self._patience, _MIN_GAIN_SHARE)
        self._initial_seconds = budget.remaining()
        self._seconds_left = self._initial_seconds
        self._final_seconds_per_round = 0.0
        per_round = trees_per_round(outputs)
        rehearsals = [max(1, trees // per_round) for trees in _REHEARSAL_TREES]
        self._rehearsal_rounds = set(rehearsals)

    def _round_limit(self) -> int:
        if self.context.rounds is not None:
            return self.context.rounds
        if not self.has_held_out:
            return rounds_without_validation(self.learning_rate)
        timed = self.context.budget.is_timed
        limit = round_limit(self.learning_rate, self.context.task.n_outputs, timed)
        return min(self.max_rounds, limit)

    def should_continue(self, losses: HeldOutLosses = ()) -> bool:
        """Record a round with its held-out losses and return whether to start another one."""
        self.rounds += 1
        if self.stops_early:
            self.early_stopping.record(losses)
        if self.rounds >= self.limit:
            return False
        if self.stops_early and (self.early_stopping.is_over or self._is_loss_negligible()):
            return False
        return not self._is_deadline_near()

    def _patience(self, improved_round: int) -> int:
        return patience(improved_round, self.rows, self.learning_rate)

    def _is_loss_negligible(self) -> bool:
        """Return whether, without a clock, the loss left isn't worth the time of more rounds."""
        if self.context.budget.is_timed:
            return False
        first = self.early_stopping.deciding_loss(1)
        return self.early_stopping.deciding_loss(self.rounds) <= UNTIMED_LOSS_SHARE * first

    def _is_deadline_near(self) -> bool:
        budget = self.context.budget
        if budget.is_timed:
            left = budget.remaining()
            round_seconds = self._seconds_left - left
            needed = _LAST_SECONDS + 1.5 * round_seconds + self._final_seconds(left)
            self._seconds_left = budget.remaining()  # a rehearsal takes its time, too
            self.stopped = self._seconds_left <= needed
        return self.stopped

    def _final_seconds(self, left: float) -> float:
        """Return the seconds to keep for predicting with the model, writing and reading it."""
        if self.final_steps is None:
            return _UNREHEARSED_SHARE * (self._initial_seconds - left)
        if self.rounds in self._rehearsal_rounds:
            seconds = self.final_steps.rehearse(self.context.budget.clock, self.held_rows)
            self._final_seconds_per_round = seconds / self.rounds
        return _REHEARSAL_MARGIN * self._final_seconds_per_round * self.rounds

    @property
    def best_round(self) -> int:
        """The round with the smallest losses; 0 where none are recorded."""
        return self.early_stopping.best

    @property
    def chosen_round(self) -> int:
        """Number of rounds to keep, by the watched metrics."""
        return self.best_round if self.stops_early else self.rounds

    def curve(self, unit: float) -> tuple[tuple[int, float], ...]:
        """Return pairs of a round and its loss in a unit, thinned to at most 200 points.

        The last round and the best are among them.
        """
        losses = self.early_stopping.losses
        total = len(losses)
        if not total:
            return ()
        step = math.ceil(total / (MAX_CURVE_POINTS - 2))
        rounds = set(range(1, total + 1, step))
        rounds |= {self.best_round, total}
        points = []
        for number in sorted(rounds):
            loss, *_ = losses[number - 1]
            points.append((number, float(loss) * unit))
        return tuple(points)
