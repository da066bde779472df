"""The parameters of a run: files, forms, and their problems."""
