"""Mutation tests: small changes to a module's source, of which its tests must find each one."""
