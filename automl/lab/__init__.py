"""The lab, which runs jobs and records their results: its data, its scheduler, and the Lab."""
