"""A compiled workflow as a REST service with a page: what `serve` adds to its command."""
