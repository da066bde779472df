"""Tasks with every kind of parameter, for golden specs."""
