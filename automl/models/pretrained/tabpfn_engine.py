"""TabPFN's model, in double precision: other rows do not change a row's prediction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from automl.arrays import Floats, Matrix
from automl.models._blocks import map_blocks
from automl.models.pretrained.checkpoint import SAFE_SUFFIX, check_purpose, read_checkpoint
from automl.models.pretrained.isolation import isolated
from automl.models.pretrained.model import Request
from automl.models.pretrained.weights import Purpose

BLOCK_ROWS = 64


class TabPFNEngine:
    """The package tabpfn."""

    # Measured with a network like that of version 3.5, 250 and 1 000 rows of 5 and 20 columns.
    row_seconds = 0.012
    cell_seconds = 1e-4

    def check(self, path: Path, purpose: Purpose) -> None:
        """Refuse a checkpoint that holds code, or is for another kind of task.

        Those in the safe format hold no code, and are for both kinds.
        """
        if path.suffix == SAFE_SUFFIX:
            return
        n_classes = read_checkpoint(path)["config"].get("max_num_classes", 0)
        found: Purpose = "classification" if n_classes > 0 else "regression"
        check_purpose(path, found, purpose)

    def predict(self, request: Request, X: Matrix) -> Floats:
        """Return probabilities or numbers."""
        with isolated():
            self.check(request.path, request.purpose)
            estimator = _read_context(request)
            predict = estimator.predict
            if request.purpose == "classification":
                predict = estimator.predict_proba
            return map_blocks(predict, X, BLOCK_ROWS)


def _read_context(request: Request) -> Any:
    """Return a fitted estimator of the package, which keeps what the network read."""
    import torch
    from tabpfn import TabPFNClassifier, TabPFNRegressor

    is_classification = request.purpose == "classification"
    kind = TabPFNClassifier if is_classification else TabPFNRegressor
    context = request.context
    estimator = kind(
        n_estimators=request.views,
        categorical_features_indices=context.categories.tolist(),
        model_path=str(request.path.resolve()),
        device="cpu",
        inference_precision=torch.float64,
        fit_mode="fit_with_cache",
        kv_cache_precision="auto",  # as computed; the default rounds to eight bits
        random_state=0,
    )
    y = context.y.astype(np.int64) if is_classification else context.y
    return estimator.fit(context.rows, y)
