"""Models that others have trained: they read the training rows as a context, and learn nothing."""
