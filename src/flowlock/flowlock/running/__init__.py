"""Locked environments, and what a workflow's command says in them."""
