"""What lies where in the folder that a worker works in."""

JOB = "job.json"
SOURCE = "source"
HOME = "home"
TEMPORARY = "tmp"
RESULT = "result.json"
ARTIFACT = "artifact.conda"
LOG = "log.txt"
