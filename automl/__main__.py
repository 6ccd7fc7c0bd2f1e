"""Run the `automl` command as `python -m automl`."""

from automl.cli import main

main()
