"""Servers on loopback that tests publish to: strict stand-ins, real ones, and a proxy that breaks things."""
