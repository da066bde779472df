"""What developers run, and no package contains."""
