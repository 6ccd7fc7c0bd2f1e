"""LightGBM."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.errors import UnsafeModel
from automl.models import _boosting as boosting
from automl.models._base import Fitted, Floats, How, Matrix, Model, Sample
from automl.models._blocks import bytes_of, check_width, part_of
from automl.models._boosters import check_lightgbm
from automl.models._losses import sigmoid, softmax
from automl.models._target import Target
from automl.models.constant import ConstantModel
from automl.space import Choice, Float, Int, Space
from automl.state import State
from automl.task import Task

if TYPE_CHECKING:
    from lightgbm import Booster, Dataset

_METRICS: dict[boosting.Watched, str] = {
    "log_loss": "binary_logloss",
    "roc_auc": "auc",
    "rmse": "rmse",
    "mae": "l1",
    "pinball": "quantile",
}
_BINNING = ("max_bin", "min_data_in_bin")  # parameters that a Dataset depends on
_BLOCK = 200  # trees that are asked at once: the processor's cache holds them while all rows go through (2 to 4 times as fast, measured)
_IDLE = 5  # rounds without a split after which a run is over; extra_trees may miss one by chance


@dataclass(frozen=True)
class LightGBMModel:
    """A booster and the target's coding."""

    booster: Booster
    text: bytes
    target: Target

    def predict(self, X: Matrix) -> Floats:
        """Probabilities or values, with one thread."""
        check_width(X, self.booster.num_feature())
        if not len(X):
            return self.target.none()
        trees = self.booster.num_trees()
        if trees <= _BLOCK:
            return self.target.spread(self.booster.predict(X, num_threads=1))
        raw = np.zeros((len(X), self.target.columns) if self.target.columns > 1 else len(X))
        step = max(1, _BLOCK // self.target.columns)
        for start in range(0, trees // self.target.columns, step):
            raw += np.asarray(
                self.booster.predict(
                    X, start_iteration=start, num_iteration=step, num_threads=1, raw_score=True
                )
            )
        return self.target.spread(
            softmax(raw) if raw.ndim > 1 else sigmoid(raw) if self.target.total else raw
        )

    def to_state(self) -> State:
        """The booster in LightGBM's text format."""
        return {"booster": self.text, "target": self.target.to_state()}


def _restored(text: bytes, target: Target) -> LightGBMModel:
    """The model of a text that was checked, or that LightGBM wrote just now."""
    import lightgbm

    try:
        booster = lightgbm.Booster(model_str=text.decode())
    except (lightgbm.basic.LightGBMError, UnicodeDecodeError) as error:
        raise UnsafeModel(f"the model file's LightGBM booster can't be read: {error}") from None
    if booster.num_model_per_iteration() != target.columns:
        raise UnsafeModel(
            "the model file's LightGBM booster has another number of classes than its target"
        )
    return LightGBMModel(booster, text, target)


_OBJECTIVE = re.compile(
    rb"regression|regression_l1|quantile|binary sigmoid:1|multiclass num_class:\d{1,6}"
)
_END = b"end of trees\n\nfeature_importances:\n\nparameters:\n\nend of parameters\n\npandas_categorical:null\n"
_EXPLAINING = (
    b"split_gain",
    b"internal_value",
    b"internal_weight",
    b"internal_count",
    b"leaf_weight",
    b"leaf_count",
)
_EXPLAINS = re.compile(rb"^(?:" + rb"|".join(_EXPLAINING) + rb")=.*\n", re.MULTILINE)
_SIZES = re.compile(rb"^tree_sizes=(.*)$", re.MULTILINE)


def lean(text: bytes) -> bytes:
    r"""A booster's text without what explains its trees and isn't read to predict: two fifths of it.

    >>> lean(b"tree\ntree_sizes=35\n\nTree=0\nleaf_value=1\nleaf_count=7\n\n\nend of trees\n").splitlines()[1:5]
    [b'tree_sizes=22', b'', b'Tree=0', b'leaf_value=1']
    """
    head, _, rest = text.partition(b"\n\n")
    sizes = _SIZES.search(head)
    if sizes is None:  # it has no tree
        return text
    ends = np.cumsum([int(size) for size in sizes[1].split()]).tolist()
    trees = [
        _EXPLAINS.sub(b"", rest[start:end])
        for start, end in zip([0, *ends[:-1]], ends, strict=True)
    ]
    head = (
        head[: sizes.start(1)]
        + b" ".join(b"%d" % len(tree) for tree in trees)
        + head[sizes.end(1) :]
    )
    return head + b"\n\n" + b"".join(trees) + _END


def _checked(text: bytes) -> bytes:
    """The text with a head and an end of our own around its checked trees: of others' LightGBM may die (measured).

    Raises
    ------
    UnsafeModel
        It was cut, lengthened, or holds trees that point outside themselves.
    """
    head, _, rest = text.partition(b"\n\n")
    entries = dict(line.partition(b"=")[::2] for line in head.splitlines())
    sizes = entries.get(b"tree_sizes", b"").split()
    numbers = [
        entries.get(name, b"")
        for name in (b"num_class", b"num_tree_per_iteration", b"max_feature_idx")
    ]
    if (
        not head.startswith(b"tree\n")
        or not sizes
        or not all(number.isdigit() and len(number) < 8 for number in (*sizes, *numbers))
    ):
        raise UnsafeModel("the model file's LightGBM booster does not begin as one")
    classes, trees_a_round, last = map(int, numbers)
    objective = entries.get(b"objective", b"")
    if (
        not 0 < trees_a_round == classes <= len(sizes)
        or len(sizes) % classes
        or not _OBJECTIVE.fullmatch(objective)
    ):
        raise UnsafeModel("the model file's LightGBM booster has a head that does not fit together")
    trees = rest[: sum(map(int, sizes))]
    starts = np.cumsum([0, *map(int, sizes[:-1])]).tolist()
    whole = all(trees.startswith(b"Tree=%d\n" % place, start) for place, start in enumerate(starts))
    if (
        not whole
        or trees.count(b"Tree=") != len(sizes)
        or not rest[len(trees) :].lstrip().startswith(b"end of trees")
    ):
        raise UnsafeModel("the model file's LightGBM booster is not complete")
    check_lightgbm(trees, len(sizes), last + 1)
    lines = {
        "num_class": classes,
        "num_tree_per_iteration": classes,
        "label_index": 0,
        "max_feature_idx": last,
        "objective": objective.decode(),
        "feature_names": " ".join(f"Column_{place}" for place in range(last + 1)),
        "feature_infos": " ".join(["none"] * (last + 1)),
        "tree_sizes": b" ".join(sizes).decode(),
    }
    began = (
        "tree\nversion=v4\n" + "".join(f"{name}={value}\n" for name, value in lines.items()) + "\n"
    )
    return began.encode() + trees + _END


class LightGBM:
    """Gradient boosting by LightGBM."""

    name = "lightgbm"
    about = "gradient boosting, trees grown leaf by leaf (LightGBM)"
    seeded = True
    bagged = True
    stops = True
    recipes = ("mixed", "native", "target", "codes", "mixed_pairs", "pairs")

    def space(self, task: Task, codes: bool = True) -> Space:
        """The ranges that portfolios settle on."""
        of_codes: Space = {
            "cat_l2": Float(5e-3, 2.0, log=True),
            "cat_smooth": Float(1e-3, 100.0, log=True),
            "max_cat_to_onehot": Int(8, 100, log=True),
            "min_data_per_group": Int(2, 100, log=True),
        }
        ranges: Space = {
            "learning_rate": Float(5e-3, 0.1, log=True, short_budget=boosting.HASTY),
            "num_leaves": Int(2, 200, log=True),
            "feature_fraction": Float(0.4, 1.0),
            "bagging_fraction": Float(0.7, 1.0),
            "min_data_in_leaf": Int(1, 64, log=True),
            "extra_trees": Choice((False, True)),
            "lambda_l1": Float(1e-4, 1.0, log=True),
            "lambda_l2": Float(1e-4, 2.0, log=True),
        }
        return {**ranges, **of_codes} if codes else ranges

    def defaults(self, task: Task) -> dict[str, Any]:
        """LightGBM's own, with a sampled share of rows and columns; single categories are told apart where there are not very many.

        Measured on 20 tables with categories: the median loss is 0.985 of what its own 4 and 100 give.
        """
        of_trees = {
            "learning_rate": 0.05,
            "num_leaves": 31,
            "feature_fraction": 0.8,
            "bagging_fraction": 0.9,
            "min_data_in_leaf": 10,
        }
        return {**of_trees, "max_cat_to_onehot": 32, "min_data_per_group": 20}

    def implied(self, task: Task) -> dict[str, Any]:
        """LightGBM's own."""
        return {
            "extra_trees": False,
            "lambda_l1": 0.0,
            "lambda_l2": 0.0,
            "cat_l2": 10.0,
            "cat_smooth": 10.0,
        }

    def binning(self, params: Mapping[str, Any]) -> Hashable:
        """Bins."""
        return tuple((name, params[name]) for name in _BINNING if name in params)

    def prepare(
        self, train: Sample, held: Sample | None, params: Mapping[str, Any], how: How
    ) -> boosting.Prepared:
        """Datasets, binned."""
        import lightgbm

        fixed = _dataset_params(params, how)

        def form(sample: Sample, reference: Dataset | None) -> Dataset:
            data, places = np.ascontiguousarray(sample.X), sample.categorical
            dataset = lightgbm.Dataset(
                data,
                sample.y,
                reference,
                sample.weight,
                categorical_feature=places,
                params=dict(fixed),
            )
            return dataset.construct()

        return boosting.prepared(train, held, how, form)

    def fit(self, prepared: boosting.Prepared, params: Mapping[str, Any], how: How) -> Fitted:
        """Boost until the held-out loss no longer falls."""
        constant = boosting.settled(prepared, params)
        if constant is not None:
            return constant
        asked = self.defaults(how.task) | dict(params)
        booster, watch = _boost(prepared, asked, how)

        def predict(rounds: int) -> Floats:
            assert prepared.sample is not None
            return prepared.target.spread(
                booster.predict(prepared.sample.X, num_iteration=rounds, num_threads=how.threads)
            )

        best = boosting.choose(watch, prepared, how, predict)
        text = lean(booster.model_to_string(num_iteration=best).encode())
        return boosting.finished(watch, prepared, _restored(text, prepared.target), best, asked)

    def restore(self, state: State) -> Model:
        """The booster from its text."""
        if "constant" in state:
            return ConstantModel.from_state(state)
        text = bytes_of(state, "booster")
        return replace(
            _restored(_checked(text), Target.from_state(part_of(state, "target"))), text=text
        )

    def cost(self, rows: int, features: int, outputs: int, models: int = 1) -> float:
        """Measured with early stopping: 0.2 s for 1 000 x 20, 1 to 5 s for 10 000 x 20, 10 s for 40 000 x 20."""
        return 0.15 + boosting.work(rows, features, outputs)


def _dataset_params(params: Mapping[str, Any], how: How) -> dict[str, Any]:
    """What a Dataset is built with. Each fit names the same values, as LightGBM refuses to change them."""
    return {
        "num_threads": how.threads,
        "verbosity": -1,
        "feature_pre_filter": False,  # else min_data_in_leaf could not vary over one Dataset
        "data_random_seed": 1,  # else it would follow `seed`
        **{name: params[name] for name in _BINNING if name in params},
    }


def _params(prepared: boosting.Prepared, asked: Mapping[str, Any], how: How) -> dict[str, Any]:
    outputs, watched = prepared.target.outputs, boosting.watched(how, prepared.held_out)
    number = {"mae": "regression_l1", "pinball": "quantile"}.get(watched[0], "regression")
    objective = {1: number, 2: "binary"}.get(outputs, "multiclass")
    return {
        "bagging_freq": 1,
        **asked,
        **_dataset_params(asked, how),
        "objective": objective,
        "alpha": how.metric.level,
        "metric": ["multi_logloss"] if outputs > 2 else [_METRICS[name] for name in watched],
        "deterministic": True,
        "force_col_wise": True,
        "seed": how.seed % 2**31,
        **({"num_class": outputs} if outputs > 2 else {}),
    }


def _boost(
    prepared: boosting.Prepared, asked: Mapping[str, Any], how: How
) -> tuple[Booster, boosting.Watch]:
    """Round by round, so that the deadline is looked at between any two."""
    import lightgbm

    params = _params(prepared, asked, how)
    booster = lightgbm.Booster(params, prepared.train)
    ending = boosting.Ending(
        booster.model_to_string, lambda rows: booster.predict(rows, num_threads=1)
    )
    watch = boosting.watch_over(prepared, asked, how, ending)
    if watch.stopping:
        booster.add_valid(prepared.held, "held")
    idle, more = 0, True
    while more and idle < _IDLE:
        if booster.update():  # no split was found, and no round added
            idle += 1
            continue
        idle, more = 0, watch.more(_losses(booster, params["metric"]) if watch.stopping else ())
    return booster, watch


def _losses(booster: Booster, metrics: list[str]) -> tuple[float, ...]:
    found = {
        name: 1.0 - value if greater else value
        for _, name, value, greater, *_ in booster.eval_valid()
    }
    return tuple(found[name] for name in metrics)
