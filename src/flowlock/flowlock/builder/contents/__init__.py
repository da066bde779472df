"""What a package holds: which files ship, what was left out, and what is to be said about both."""
