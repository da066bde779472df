"""Tracks, events, home ranges and maps for flowlock workflows, with ecoscope."""
