"""From source to artifacts in the local channel, and only what does not exist yet."""
