"""Where work is done: in this process, in forked processes, or on a simulated clock."""
