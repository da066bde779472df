"""What clients of ecoscope-workflows and wt expect of a workflow: their command line and documents."""
