"""The environments that packages are built in."""
