"""A multilayer perceptron in NumPy: what it computes, how it is trained, and how it is kept."""
