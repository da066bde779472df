"""The runs of a workflow: each has an id, a folder and a state, and can be listed and removed."""
