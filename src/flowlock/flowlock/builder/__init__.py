"""From source to artifacts in the local channel, and only what is not there already."""
