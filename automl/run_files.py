"""Names of the files and folders in a run's folder; `store` says what is in them."""

from __future__ import annotations

FACTS = "run.toml"
LOG = "events.jsonl"
TEXT_LOG = "log.txt"
LEADERBOARD = "leaderboard.csv"
REPORT = "report.html"
PREDICTOR = "predictor.automl"
DONE = "DONE"
FAILURES = "failures.txt"  # tracebacks of fits that failed
TRIALS = "trials"
ENCODED = "encoded"  # in work/
PROGRESS = "progress"  # in work/
