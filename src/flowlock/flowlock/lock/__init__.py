"""Locks: pixi manifests in, pixi.lock v7 out, and why a lock is stale."""
