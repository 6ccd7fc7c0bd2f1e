"""What the boosters share: when to stop, which round to keep, and what they are handed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from automl.features.feature import Feature
from automl.models._base import Fitted, Floats, How, Matrix, Sample
from automl.models._target import Target
from automl.models.constant import ConstantModel, nothing_to_learn

Watched = Literal["log_loss", "roc_auc", "rmse", "mae", "pinball"]
CURVE = 200
CHOICES = 20
TELLING = 500  # held-out rows, from which on a metric of classes other than the log loss tells which round is best
HASTY = 0.4  # the learning rate goes as far where fits are cut short by their deadlines
MOST_ROUNDS = 10_000  # where early stopping chooses: shallow trees go on improving for thousands of rounds at any learning rate
FARTHEST = (
    75.0  # learning rate x rounds, where no clock ends a fit: shallow trees gain little beyond
)
MOST_TREES = 4_000  # of all classes together, likewise, but so many rounds at least
FEWEST_ROUNDS = 500
EXPLAINED = (
    0.01  # of the first round's loss: where no clock ends a fit, less is nothing to go on for
)
_TAIL = 0.03  # seconds that follow the last round, however few there were
_AFTER = 0.15  # of the seconds spent so far are kept for what follows the last round where that can't be rehearsed
_REHEARSED = tuple(
    25 * 4**power for power in range(8)
)  # trees after which what follows the last round is done for once, and timed
_SAMPLE = 1000  # held-out rows that are predicted then
_SLOWER = 1.5  # times as long may it take in earnest
_GAIN = 1e-4  # of the first round's loss: less than this within the patience is no reason to go on


@dataclass(frozen=True)
class Prepared:
    """Rows in a library's own form.

    Parameters
    ----------
    train, held : object
        What the library trains on and stops by; `held` is None without held-out rows.
    sample : Sample or None
        The held-out rows, coded.
    settled : ConstantModel or None
        The answer, where nothing can be learnt; then the others are None.
    """

    target: Target
    rows: int
    features: tuple[Feature, ...]
    train: Any = None
    held: Any = None
    sample: Sample | None = None
    settled: ConstantModel | None = None

    @property
    def held_out(self) -> int:
        """How many rows are held out."""
        return 0 if self.sample is None else len(self.sample.y)


def prepared(
    train: Sample, held: Sample | None, how: How, form: Callable[[Sample, Any], Any]
) -> Prepared:
    """Both samples coded and put into a library's form; `form(sample, reference)` is given the training rows' form as reference."""
    target = Target.of(train, how)
    rows = target.code(train)
    settled = nothing_to_learn(train, rows, target, how)
    if settled is not None:
        return Prepared(target, len(rows.y), train.features, settled=settled)
    kept = None if held is None else target.code(held)
    ready = form(rows, None)
    if kept is None or not len(kept.y):
        return Prepared(target, len(rows.y), train.features, ready)
    return Prepared(target, len(rows.y), train.features, ready, form(kept, ready), kept)


def watched(how: How, held_out: int) -> tuple[Watched, ...]:
    """What is evaluated after each round: the first chooses the round, ties broken by the last, which says when to stop.

    The area under the curve stays at 1 on easy tables, where a few rounds rank rows rightly but with poor probabilities; and
    it creeps upwards long after the log loss has turned (measured: 10 000 rows, 3 900 rounds instead of a few hundred). On few held-out
    rows it is chance which round ranks them best, and the log loss alone chooses.
    """
    if how.task.is_regression:
        return (
            ("mae",)
            if how.metric.proxy == "mae"
            else ("pinball",)
            if how.metric.proxy == "pinball"
            else ("rmse",)
        )
    ranks = how.metric.name == "roc_auc" and how.task.kind == "binary" and held_out >= TELLING
    return ("roc_auc", "log_loss") if ranks else ("log_loss",)


def chosen_by_metric(how: How, held_out: int) -> bool:
    """Whether the metric itself has to choose the round: the libraries don't watch it, it is no question of thresholds nor of chance."""
    if not how.task.is_regression and held_out < TELLING:
        return False
    is_watched = (
        how.metric.name in (*watched(how, held_out), "r2", "pinball", "rmsle", "mape")
        or how.metric.proxy == "pinball"
    )
    return not is_watched and how.metric.needs != "labels"


def patience(best_round: int, rows: int, learning_rate: float) -> int:
    """Rounds without improvement after which a fit ends.

    A share of the best round (FACTS: 20 + 0.3 x best) finds late gains; the floor carries a fit over its first noisy rounds. A
    floor of 300 rounds, as AutoGluon has it, would be most of a fit's time within budgets of a minute; 50 rounds at a learning
    rate of 0.05 lead as far as 250 at 0.01, so it grows as the rate falls, and it shrinks above 10 000 rows, where
    the held-out loss is less noisy.

    Examples
    --------
    >>> patience(10, 1_000, 0.1), patience(10, 1_000, 0.01), patience(10, 100_000, 0.1), patience(1_000, 1_000, 0.1)
    (50, 250, 23, 320)
    """
    floor = min(300.0, 50 * max(1.0, 0.05 / learning_rate)) * min(1.0, 10_000 / max(1, rows))
    return int(max(20, floor, 20 + 0.3 * best_round))


def blind_rounds(learning_rate: float) -> int:
    """Rounds where nothing is held out and none are given.

    >>> blind_rounds(0.05)
    300
    """
    return min(3_000, math.ceil(15 / learning_rate))


def most_rounds(learning_rate: float, outputs: int, timed: bool) -> int:
    """Rounds at most where early stopping chooses; without a clock they are what bounds a fit.

    On a table that can be learnt without error the loss falls for ever: 10 000 rounds of four classes, eight folds and four refits took
    16 minutes and 165 MB.

    >>> most_rounds(0.05, 1, True), most_rounds(0.05, 1, False), most_rounds(0.005, 4, False), most_rounds(0.05, 100, False)
    (10000, 1500, 1000, 500)
    """
    if timed:
        return MOST_ROUNDS
    trees = max(FEWEST_ROUNDS, MOST_TREES // _trees_a_round(outputs))
    return min(MOST_ROUNDS, trees, math.ceil(FARTHEST / learning_rate))


def work(rows: int, features: int, outputs: int) -> float:
    """Seconds of a boosting run, measured with LightGBM: many columns and classes end a run in fewer rounds."""
    return float(2.5e-5 * rows * features**0.75 * _trees_a_round(outputs) ** 0.5)


def _trees_a_round(outputs: int) -> int:
    return outputs if outputs > 2 else 1


@dataclass(frozen=True)
class Ending:
    """What follows a boosting run's last round, which takes seconds for thousands of trees.

    Parameters
    ----------
    write : callable
        Writes the model as it stands.
    predict : callable
        Predicts with the model as it stands.
    """

    write: Callable[[], object]
    predict: Callable[[Matrix], object]

    def seconds(self, clock: Callable[[], float], held: Matrix | None) -> float:
        """How long it would take now, for these held-out rows, of which a sample is predicted: written once and read once."""
        began = clock()
        self.write()
        wrote = clock()
        if held is not None and len(held):
            self.predict(held[:_SAMPLE])
        return 2 * (wrote - began) + (clock() - wrote) * (
            1.0 if held is None else max(1.0, len(held) / _SAMPLE)
        )


@dataclass
class Watch:
    """Follows a boosting run: is told after each round, and says whether another one is worth starting.

    A round that would not end before the deadline is not begun; under a budget without a clock nothing here reads one.

    Parameters
    ----------
    losses : list of tuple of float
        What was watched, a tuple a round.
    best : int
        The round with the smallest of these.
    lowest : int
        The last round that lowered the loss which decides about stopping by more than a trifle.
    ending : Ending or None
        What follows the last round, to be rehearsed now and then.
    most : int
        Rounds at most where early stopping chooses.
    """

    how: How
    rows: int
    learning_rate: float
    held: bool
    losses: list[tuple[float, ...]] = field(default_factory=list)
    rounds: int = 0
    best: int = 0
    lowest: int = 0
    stopped: bool = False
    ending: Ending | None = None
    held_out: Matrix | None = None
    most: int = MOST_ROUNDS

    def __post_init__(self) -> None:
        self.stopping = self.held and self.how.rounds is None
        most = min(
            self.most,
            most_rounds(self.learning_rate, self.how.task.n_outputs, self.how.budget.timed),
        )
        free = most if self.held else blind_rounds(self.learning_rate)
        self.limit = max(1, self.how.rounds if self.how.rounds is not None else free)
        self._began = self._left = self.how.budget.remaining()
        self._after_round = 0.0  # seconds that follow the last round, for each round
        self._rehearsed = {
            max(1, trees // _trees_a_round(self.how.task.n_outputs)) for trees in _REHEARSED
        }

    def more(self, loss: tuple[float, ...] = ()) -> bool:
        """Whether to go on after a round with this held-out loss."""
        self.rounds += 1
        if self.stopping:
            self.losses.append(loss)
            if self.best == 0 or loss < self.losses[self.best - 1]:
                self.best = self.rounds
            if self.lowest == 0 or loss[-1] < self.losses[self.lowest - 1][-1] - self._trifle():
                self.lowest = self.rounds
        return not (
            self.rounds >= self.limit or self._hopeless() or self._is_explained() or self._late()
        )

    def _is_explained(self) -> bool:
        """Whether, without a clock, so little of the loss is left that more rounds are not worth their time."""
        if self.how.budget.timed or not self.stopping:
            return False
        return self.losses[-1][-1] <= EXPLAINED * self.losses[0][-1]

    def _trifle(self) -> float:
        """What is no gain: a part of the first round's loss, but not much of the present one where nearly all is explained."""
        return _GAIN * min(self.losses[0][-1], 10 * self.losses[self.lowest - 1][-1])

    def _hopeless(self) -> bool:
        return self.stopping and self.rounds - self.lowest >= patience(
            self.lowest, self.rows, self.learning_rate
        )

    def _late(self) -> bool:
        if self.how.budget.timed:
            left = self.how.budget.remaining()
            needed = _TAIL + 1.5 * (self._left - left) + self._after(left)
            self._left = self.how.budget.remaining()  # a rehearsal takes its time, too
            self.stopped = self._left <= needed
        return self.stopped

    def _after(self, left: float) -> float:
        """Seconds to keep for predicting with the model, writing it and reading it again."""
        if self.ending is None:
            return _AFTER * (self._began - left)
        if self.rounds in self._rehearsed:
            self._after_round = (
                self.ending.seconds(self.how.budget.clock, self.held_out) / self.rounds
            )
        return _SLOWER * self._after_round * self.rounds

    @property
    def kept(self) -> int:
        """The round to keep, by what was watched."""
        return self.best if self.stopping else self.rounds

    def curve(self, unit: float) -> tuple[tuple[int, float], ...]:
        """Rounds and what was watched, thinned to at most 200 points with the last and the best among them."""
        total = len(self.losses)
        step = max(1, math.ceil(total / (CURVE - 2)))
        points = sorted({*range(1, total + 1, step), self.best, total} - {0})
        return tuple((point, float(self.losses[point - 1][0]) * unit) for point in points)


def watch_over(
    data: Prepared,
    asked: Mapping[str, Any],
    how: How,
    ending: Ending | None = None,
    most: int = MOST_ROUNDS,
) -> Watch:
    """The watch over a fit of some prepared data, of at most so many rounds."""
    held = None if data.sample is None else data.sample.X
    return Watch(
        how,
        data.rows,
        float(asked["learning_rate"]),
        data.held is not None,
        ending=ending,
        held_out=held,
        most=most,
    )


def choose(watch: Watch, data: Prepared, how: How, predict: Callable[[int], Floats]) -> int:
    """The round to keep: by what was watched, or by the metric itself among at most 20 round counts.

    Parameters
    ----------
    predict : callable
        Gives the prediction for the held-out rows with so many rounds.
    """
    if (
        not watch.stopping
        or watch.stopped
        or data.sample is None
        or not chosen_by_metric(how, data.held_out)
    ):
        return watch.kept
    step = max(1, math.ceil(watch.rounds / (CHOICES - 1)))
    counts = sorted(
        {*range(step, watch.rounds + 1, step), watch.best},
        key=lambda count: abs(count - watch.best),
    )
    truth = data.target.decode(data.sample.y)
    best, least = watch.best, math.inf
    for count in counts:  # from the proxy's choice outwards, so that the nearest of equals wins and a deadline costs the farthest
        before = how.budget.remaining()
        loss = how.metric.of(truth, predict(count), data.sample.weight)
        if loss < least:
            best, least = count, loss
        if how.budget.timed and how.budget.remaining() < 2 * (before - how.budget.remaining()):
            break
    return best


def settled(data: Prepared, params: Mapping[str, Any]) -> Fitted | None:
    """The fit of a table on which nothing can be learnt, or None."""
    return None if data.settled is None else Fitted(data.settled, 1, dict(params))


def finished(
    watch: Watch, data: Prepared, model: Any, rounds: int, resolved: Mapping[str, Any]
) -> Fitted:
    """The outcome of a boosting run."""
    unit = 1.0 if data.target.total else data.target.scale
    return Fitted(model, rounds, dict(resolved), watch.curve(unit), watch.stopped)
