"""What becomes of a workflow after its first release: its next version, another name, its end."""
