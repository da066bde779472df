"""Fields: how values become bytes and back, and what keys make of them."""
