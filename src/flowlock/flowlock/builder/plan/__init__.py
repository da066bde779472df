"""What is to be built, under which name, in which order, and why."""
