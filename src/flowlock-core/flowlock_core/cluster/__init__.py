"""Runs on the workers of a Dask cluster: results stay there, and the workers' code is that of the run."""
