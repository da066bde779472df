"""One use case a module: the only place that crosses stages."""
