"""Importing this module loads the compiled evaluator, so that forks of this process have it."""

from automl.models.trees import evaluation

if evaluation.has_compiler():
    evaluation.load_kernel()
