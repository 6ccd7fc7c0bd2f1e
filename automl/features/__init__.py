"""Encoders: how typed columns become a model's input. One file per kind of column."""
