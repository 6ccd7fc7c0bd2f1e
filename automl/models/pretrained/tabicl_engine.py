"""TabICL's model: each view of the context is read once, and then predicts block after block.

The package predicts in single precision, where other rows change the last bits of a row's
prediction. Here the context is read as there, and rows are predicted in double precision.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from automl.arrays import Floats, Matrix
from automl.models._blocks import map_blocks
from automl.models.pretrained.checkpoint import check_purpose, read_checkpoint
from automl.models.pretrained.isolation import isolated
from automl.models.pretrained.model import Request
from automl.models.pretrained.weights import Purpose

BLOCK_ROWS = 64


class TabICLEngine:
    """The package tabicl."""

    # Measured with a network of its usual size, 250 and 1 000 rows of 5 and 20 columns.
    row_seconds = 0.0014
    cell_seconds = 3e-5

    def check(self, path: Path, purpose: Purpose) -> None:
        """Refuse a checkpoint for another kind of task."""
        config = read_checkpoint(path)["config"]
        n_classes = config.get("max_classes", 0)
        found: Purpose = "classification" if n_classes else "regression"
        check_purpose(path, found, purpose)

    def predict(self, request: Request, X: Matrix) -> Floats:
        """Return unnormalised probabilities or numbers."""
        with isolated():
            self.check(request.path, request.purpose)
            estimator = _read_context(request)
            views = _Views(estimator, request.purpose == "classification")
            total: Any = 0.0
            n_views = 0
            for view in views:
                total = total + map_blocks(view.scores, X, BLOCK_ROWS)
                n_views += 1
        return views.decode(total / n_views)


def _read_context(request: Request) -> Any:
    """Return an estimator of the package that is fitted: its transformers are, nothing else is."""
    from tabicl import TabICLClassifier, TabICLRegressor

    is_classification = request.purpose == "classification"
    kind = TabICLClassifier if is_classification else TabICLRegressor
    estimator = kind(
        n_estimators=request.views,
        model_path=request.path,
        allow_auto_download=False,
        device="cpu",
        use_amp=False,
        use_fa3=False,
        offload_mode=False,
    )
    context = request.context
    y: Any = context.y
    if is_classification:
        y = y.astype(np.int64)
    return estimator.fit(context.rows, y)


@dataclass(frozen=True)
class _View:
    """One view of the context, as the network has read it.

    Parameters
    ----------
    views : _Views
    norm : str
        How its columns are scaled.
    index : int
        Its position among the views that are scaled alike.
    cache : TabICLCache
        Keys and values of the context's rows, in double precision.
    """

    views: _Views
    norm: str
    index: int
    cache: Any

    def scores(self, block: Matrix) -> Any:
        """Return the scores of classes, or numbers, of a block of rows."""
        import torch

        estimator = self.views.estimator
        generator = estimator.ensemble_generator_
        encoded = estimator.X_encoder_.transform(block)
        views = generator.transform(encoded, mode="test")
        (alike,) = views[self.norm]
        view = alike[self.index]
        rows = torch.from_numpy(view).double()
        batch = self.views.predict_rows(rows[None], self.cache)
        scores = batch[0].numpy()
        if not self.views.has_classes:
            return scores
        orders = generator.class_shuffles_[self.norm]
        order = orders[self.index]
        return scores[:, order]


class _Views:
    """The views of a context, one at a time: what the network keeps of each takes much memory."""

    def __init__(self, estimator: Any, has_classes: bool) -> None:
        self.estimator = estimator
        self.has_classes = has_classes
        self._reader = estimator.model_
        self._precise = copy.deepcopy(estimator.model_).double()

    def __iter__(self) -> Iterator[_View]:
        """Yield the views, in an order that is the same in every process."""
        generator = self.estimator.ensemble_generator_
        read = generator.transform(None, mode="train")
        for norm in sorted(read):  # the package has them in the order of a set
            pairs = zip(*read[norm], strict=True)
            for index, (rows, y) in enumerate(pairs):
                cache = self._read(rows, y)
                yield _View(self, norm, index, cache)

    def _read(self, rows: Any, y: Any) -> Any:
        """Return what the network keeps of a view of the context."""
        import torch

        X_train = torch.from_numpy(rows).float()
        y_train = torch.from_numpy(y).float()
        network = self._reader
        self._call(
            network,
            X_train=X_train[None],
            y_train=y_train[None],
            store_cache=True,
        )
        cache = network._cache
        network.clear_cache()
        return cache.to("cpu", dtype=torch.float64)

    def predict_rows(self, rows: Any, cache: Any) -> Any:
        """Return scores or numbers of shape (1, n_rows, ...)."""
        return self._call(self._precise, X_test=rows, cache=cache)

    def _call(self, network: Any, **arguments: Any) -> Any:
        function = network.predict_stats_with_cache
        if self.has_classes:
            function = network.forward_with_cache
        config = self.estimator.inference_config_
        return function(**arguments, inference_config=config)

    def decode(self, mean: Floats) -> Floats:
        """Return unnormalised probabilities, or numbers in the unit of the context's."""
        if not self.has_classes:
            numbers = self.estimator.y_scaler_.inverse_transform(mean[:, None])
            return np.asarray(numbers[:, 0], np.float64)
        highest = mean.max(axis=1, keepdims=True)
        scaled = (mean - highest) / self.estimator.softmax_temperature
        return np.asarray(np.exp(scaled), np.float64)
