"""YAML with positions → Spec → everything that is wrong with it. Pure: text and data in, data out."""
