"""Networks that torch trains and NumPy evaluates."""
