"""The documentation site: pages of docs/, and pages generated from the command line, models and tasks."""
