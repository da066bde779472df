"""The run time: what a compiled workflow imports."""
