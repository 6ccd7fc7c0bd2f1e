"""The code that MLflow runs to load a predictor, in place of a pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow.pyfunc
from mlflow.models import set_model

from automl.predictor import load
from automl.table import from_frame


class Model(mlflow.pyfunc.PythonModel):  # type: ignore[misc,name-defined,unused-ignore]
    """Predicts labels or numbers, or, with `{"proba": True}`, a column a class."""

    def load_context(self, context: Any) -> None:
        """Read the predictor's file, which is checked before anything of it is used."""
        path = context.artifacts["predictor"]
        self.predictor = load(Path(path))

    # Without type hints, which MLflow would take for a schema.
    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """Return predictions for the rows of a table."""
        import pandas as pd

        table = from_frame(model_input)
        readings = self.predictor.to_columns(table)
        raw = self.predictor.predict_raw(readings.columns)
        if params and params.get("proba"):
            labels = list(self.predictor.task.labels)
            return pd.DataFrame(raw, columns=labels)
        return self.predictor.decode(raw)


model = Model()
set_model(model)
