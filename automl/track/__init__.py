"""Run folders as experiments: listed, compared, handed to other programs."""
