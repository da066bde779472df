"""What to build, under which name, in which order, and why."""
