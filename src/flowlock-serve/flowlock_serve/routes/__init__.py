"""The routes of a service, a module for each topic."""
