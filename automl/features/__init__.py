"""Encoders: how typed columns become a model's input. One file a column kind."""
