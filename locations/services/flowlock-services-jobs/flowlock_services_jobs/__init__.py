"""Jobs of the code location `services` that are written by hand."""
