"""The solver behind one adapter, and the metadata that it sees."""
