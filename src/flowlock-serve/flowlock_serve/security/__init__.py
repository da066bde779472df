"""Who may use a service, and what is refused before a route sees it."""
