"""A scikit-learn script that trains a run's best single model again."""
