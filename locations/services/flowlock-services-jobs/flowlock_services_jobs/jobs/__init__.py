"""The jobs: each reads a table from the bucket, changes it and writes another one."""
