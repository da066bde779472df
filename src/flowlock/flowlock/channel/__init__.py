"""The local channel: exactly the current build of each package, under a complete index."""
