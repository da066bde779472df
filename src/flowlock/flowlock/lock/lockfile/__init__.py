"""pixi.lock: read, written, compared, exported."""
