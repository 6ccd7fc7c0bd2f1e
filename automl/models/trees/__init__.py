"""Trees of all boosters and forests: one format of checked arrays, and one way to evaluate them."""
