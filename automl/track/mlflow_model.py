"""What MLflow runs to load a predictor: code, not a pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow.pyfunc
from mlflow.models import set_model

from automl.predictor import load
from automl.table import from_frame


class Model(mlflow.pyfunc.PythonModel):  # type: ignore[misc,name-defined,unused-ignore]
    """A predictor: labels or numbers, or, with `{"proba": True}`, a column a class."""

    def load_context(self, context: Any) -> None:
        """Read the predictor's file, which is checked before anything of it is used."""
        self.predictor = load(Path(context.artifacts["predictor"]))

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]  # MLflow takes hints for a schema
        """Predictions for the rows of a table."""
        import pandas as pd

        raw = self.predictor.raw(self.predictor.read(from_frame(model_input)).columns)
        if params and params.get("proba"):
            return pd.DataFrame(raw, columns=list(self.predictor.task.labels))
        return self.predictor.answer(raw)


set_model(Model())
