"""The runs of a service: their records, their processes, and what is kept of them."""
