"""The files and folders of a worker's directory."""

JOB = "job.json"
SOURCE = "source"
RECIPE = "recipe"
HOME = "home"
TEMPORARY = "tmp"
RESULT = "result.json"
ARTIFACT = "artifact.conda"
LOG = "log.txt"
OUT = "out"
# The engine leaves build and host environments there when `keep_build` is set.
ENVIRONMENTS = f"{OUT}/bld/*/*"
# Of these, the one that scripts install into, which is padded to a length that other prefixes do not exceed.
HOST_ENVIRONMENT = f"{OUT}/bld/*/host_env*"
