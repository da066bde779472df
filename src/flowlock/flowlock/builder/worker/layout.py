"""What lies where in the room that a worker works in."""

JOB = "job.json"
SOURCE = "source"
RECIPE = "recipe"
HOME = "home"
TEMPORARY = "tmp"
RESULT = "result.json"
ARTIFACT = "artifact.conda"
LOG = "log.txt"
OUT = "out"
# The engine leaves build and host environments there, when it is told to.
ENVIRONMENTS = f"{OUT}/bld/*/*"
# Of these, the one that scripts install into, which is padded to a length that other prefixes do not exceed.
HOST_ENVIRONMENT = f"{OUT}/bld/*/host_env*"
