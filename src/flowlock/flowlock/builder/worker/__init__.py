"""One build in a separate process: sources and environment in, a canonical archive out."""
