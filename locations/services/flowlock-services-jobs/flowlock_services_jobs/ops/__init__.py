"""The ops that the jobs are made of: tables in a bucket, and tasks on them."""
