"""A workflow as a service has it: quick steps that wait, fail, or tell what their process has."""
