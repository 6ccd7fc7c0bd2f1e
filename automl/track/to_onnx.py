"""An experiment's predictor as an ONNX model, checked against its own answers."""

from __future__ import annotations

import json
from pathlib import Path

from automl.files import atomic_write, require
from automl.models import is_baseline
from automl.track.experiment import Experiment
from automl.track.graph.builder import WHAT
from automl.track.graph.check import check_answers
from automl.track.graph.ensemble import PredictorGraph
from automl.track.saved import only_the_constant, read_predictor


def export(
    experiment: Experiment,
    output: Path,
) -> list[Path]:
    """Write the model if it answers as the predictor does, and return its path.

    Raises
    ------
    InputError
        The run has no model of the features, a step of it has no operator, or answers differ.
    MissingExtra
        onnx or onnxruntime is not installed.
    """
    for library in ("onnx", "onnxruntime"):
        require(library, "onnx", WHAT)
    predictor = read_predictor(experiment, WHAT)
    if all(is_baseline(member.family_name) for member in predictor.members):
        raise only_the_constant(experiment, WHAT)
    graph = PredictorGraph(predictor)
    task = predictor.task
    about = {
        "run": experiment.name,
        "target": task.target,
        "task": task.kind,
        "metric": task.metric,
        "columns": json.dumps(predictor.cleaner.schema(), default=str),
    }
    model = graph.to_model(about)
    path = experiment.data.get("path")
    table = None if path is None else Path(str(path))
    check_answers(predictor, model, graph.inputs, table)
    with atomic_write(output) as temporary:
        temporary.write_bytes(model.SerializeToString())
    return [output]
