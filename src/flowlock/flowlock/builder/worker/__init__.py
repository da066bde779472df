"""One build in a process of its own: sources and environment in, a canonical archive out."""
