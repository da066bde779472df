"""Tasks in the manner of published packages: private modules, hidden choices, types of their own."""
