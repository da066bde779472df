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
