"""Measurements: each module's `main` prints one table; ratios are taken side by side in one run."""
