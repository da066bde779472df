"""pixi.toml: what an environment asks for."""
