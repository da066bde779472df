"""Charts, summary tables, cleaning steps and trends for workflows on tables."""
