"""Where work is done: one contract, one file for each engine, and a table of engines."""
