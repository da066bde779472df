"""A package's own tests, and what is remembered of them."""
