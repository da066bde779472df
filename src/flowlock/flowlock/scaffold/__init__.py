"""The texts of new workspaces, packages, tasks and workflows; nothing here writes them."""
