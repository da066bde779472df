"""Tasks by the names of ecoscope-workflows-core, in terms of flowlock's widgets, groups and time ranges."""
