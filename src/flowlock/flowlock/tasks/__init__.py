"""Which tasks there are: signatures in-process, or looked up in an environment."""
