"""The only place where models are trained: the run's data, the scheduler, and the Lab."""
