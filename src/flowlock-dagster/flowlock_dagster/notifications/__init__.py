"""Notifications of the end of runs: each is delivered once, whatever the receiver does."""
