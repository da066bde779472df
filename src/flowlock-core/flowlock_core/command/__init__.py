"""What the command of a compiled workflow is made of."""
