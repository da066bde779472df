"""Which tasks exist, and what their types say of literal values."""
