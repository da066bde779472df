"""Charts, summary tables and cleaning steps for workflows on tables."""
