"""The tasks that every workflow needs; none imports pandas before it runs."""
