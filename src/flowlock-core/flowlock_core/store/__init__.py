"""Results of tasks that are kept: under which key, in which format, and why one was reused or not."""
