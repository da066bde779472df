"""The toolchain: everything that happens before a workflow runs."""
