"""The embedded base channel: an interpreter and wheels as conda packages."""
