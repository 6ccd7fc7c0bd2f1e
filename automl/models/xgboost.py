"""XGBoost."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automl.errors import UnsafeModel
from automl.models import _boosting as boosting
from automl.models._base import Fitted, Floats, How, Matrix, Model, Sample
from automl.models._blocks import bounded, bytes_of, check_width, part_of
from automl.models._boosters import check_xgboost
from automl.models._target import Target
from automl.models.constant import ConstantModel
from automl.space import Choice, Float, Int, Space
from automl.state import State
from automl.task import Task

if TYPE_CHECKING:
    from xgboost import Booster, QuantileDMatrix

_METRICS: dict[boosting.Watched, str] = {
    "log_loss": "logloss",
    "roc_auc": "auc",
    "rmse": "rmse",
    "mae": "mae",
    "pinball": "quantile",
}


@dataclass(frozen=True)
class XGBoostModel:
    """A booster and the target's coding."""

    booster: Booster
    raw: bytes
    target: Target

    def predict(self, X: Matrix) -> Floats:
        """Probabilities or values, with one thread."""
        check_width(X, self.booster.num_features())
        if not len(X):
            return self.target.none()
        return self.target.spread(self.booster.inplace_predict(bounded(X)))

    def to_state(self) -> State:
        """The booster in XGBoost's UBJSON format."""
        return {"booster": self.raw, "target": self.target.to_state()}


def _restored(raw: bytes, target: Target) -> XGBoostModel:
    """The model of bytes that were checked, or that XGBoost wrote just now."""
    import xgboost

    try:
        booster = xgboost.Booster(model_file=bytearray(raw))
    except (xgboost.core.XGBoostError, ValueError) as error:
        raise UnsafeModel(
            f"the model file's XGBoost booster can't be read: {str(error).splitlines()[0]}"
        ) from None
    booster.set_param({"nthread": 1})
    return XGBoostModel(booster, raw, target)


class XGBoost:
    """Gradient boosting by XGBoost."""

    name = "xgboost"
    about = "gradient boosting, trees grown level by level (XGBoost)"
    seeded = True
    bagged = True
    stops = True
    recipes = ("mixed", "native", "target", "codes", "coded_pairs")

    def space(self, task: Task, codes: bool = True) -> Space:
        """The ranges that portfolios settle on."""
        return {
            "learning_rate": Float(5e-3, 0.1, log=True, short_budget=boosting.HASTY),
            "max_depth": Int(4, 10, log=True),
            "min_child_weight": Float(1e-3, 5.0, log=True),
            "subsample": Float(0.6, 1.0),
            "colsample_bylevel": Float(0.6, 1.0),
            "colsample_bynode": Float(0.6, 1.0),
            "reg_alpha": Float(1e-4, 5.0, log=True),
            "reg_lambda": Float(1e-4, 5.0, log=True),
            "grow_policy": Choice(("depthwise", "lossguide")),
            "max_leaves": Int(8, 1024, log=True),
        }

    def defaults(self, task: Task) -> dict[str, Any]:
        """XGBoost's own with a lower learning rate and a sampled share of rows and columns."""
        return {
            "learning_rate": 0.05,
            "max_depth": 6,
            "min_child_weight": 1.0,
            "subsample": 0.9,
            "colsample_bynode": 0.8,
        }

    def implied(self, task: Task) -> dict[str, Any]:
        """XGBoost's own; it does not bound the leaves."""
        return {
            "colsample_bylevel": 1.0,
            "reg_alpha": 0.0,
            "reg_lambda": 1.0,
            "grow_policy": "depthwise",
            "max_leaves": 1024,
        }

    def binning(self, params: Mapping[str, Any]) -> Hashable:
        """Bins."""
        return int(params.get("max_bin", 256))

    def prepare(
        self, train: Sample, held: Sample | None, params: Mapping[str, Any], how: How
    ) -> boosting.Prepared:
        """Quantile matrices."""
        import xgboost

        def form(sample: Sample, reference: QuantileDMatrix | None) -> QuantileDMatrix:
            return xgboost.QuantileDMatrix(
                bounded(sample.X),
                sample.y,
                weight=sample.weight,
                feature_types=["c" if feature.levels else "q" for feature in sample.features],
                enable_categorical=True,
                max_bin=int(params.get("max_bin", 256)),
                ref=reference,
                nthread=how.threads,
            )

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
                booster.inplace_predict(bounded(prepared.sample.X), iteration_range=(0, rounds))
            )

        best = boosting.choose(watch, prepared, how, predict)
        raw = bytes(booster[:best].save_raw("ubj"))
        return boosting.finished(watch, prepared, _restored(raw, prepared.target), best, asked)

    def restore(self, state: State) -> Model:
        """The booster from its bytes."""
        if "constant" in state:
            return ConstantModel.from_state(state)
        raw = bytes_of(state, "booster")
        check_xgboost(raw)
        return _restored(raw, Target.from_state(part_of(state, "target")))

    def cost(self, rows: int, features: int, outputs: int, models: int = 1) -> float:
        """Measured with early stopping: 1 s for 1 000 x 20, 1 to 6 s for 10 000 x 20, 7 s for 40 000 x 20."""
        return 0.5 + boosting.work(rows, features, outputs)


def _params(
    prepared: boosting.Prepared, asked: Mapping[str, Any], how: How
) -> list[tuple[str, Any]]:
    """Parameters as pairs, as `eval_metric` may occur twice."""
    outputs, watched = prepared.target.outputs, boosting.watched(how, prepared.held_out)
    number = {"mae": "reg:absoluteerror", "pinball": "reg:quantileerror"}.get(
        watched[0], "reg:squarederror"
    )
    params = {
        **asked,
        "objective": {1: number, 2: "binary:logistic"}.get(outputs, "multi:softprob"),
        "tree_method": "hist",
        "nthread": how.threads,
        "seed": how.seed % 2**31,
        "verbosity": 0,
        **({"quantile_alpha": how.metric.level} if watched == ("pinball",) else {}),
        **({"num_class": outputs} if outputs > 2 else {}),
    }
    metrics = ["mlogloss"] if outputs > 2 else [_METRICS[name] for name in watched]
    return [*params.items(), *(("eval_metric", name) for name in metrics)]


def _boost(
    prepared: boosting.Prepared, asked: Mapping[str, Any], how: How
) -> tuple[Booster, boosting.Watch]:
    """Round by round, so that the deadline is looked at between any two."""
    import xgboost

    ending = boosting.Ending(
        lambda: booster[:].save_raw("ubj"), lambda rows: booster.inplace_predict(bounded(rows))
    )
    watch = boosting.watch_over(prepared, asked, how, ending)
    matrices = [prepared.train, prepared.held] if watch.stopping else [prepared.train]
    booster = xgboost.Booster(_params(prepared, asked, how), matrices)
    more = True
    while more:
        booster.update(prepared.train, watch.rounds)
        more = watch.more(_losses(booster, prepared.held, watch.rounds) if watch.stopping else ())
    return booster, watch


def _losses(booster: Booster, held: QuantileDMatrix, place: int) -> tuple[float, ...]:
    """What was evaluated: XGBoost answers in the order of `eval_metric`, parted by tabs, as `held-auc:0.97`."""
    pairs = [
        part.rsplit(":", 1) for part in booster.eval_set([(held, "held")], place).split("\t")[1:]
    ]
    losses = (1.0 - float(value) if name.endswith("auc") else float(value) for name, value in pairs)
    return tuple(
        0.5 if math.isnan(loss) else loss for loss in losses
    )  # there is no AUC where one class alone is held out
