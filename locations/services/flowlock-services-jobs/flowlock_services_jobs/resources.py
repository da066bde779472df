"""What the jobs need beside their ops.

A location takes no resources of packages, because two packages may name theirs alike: each job has its own.
"""

from flowlock_dagster.object_store import ObjectStore

# The connection `lake` of the kind s3: its settings are in the environment of the code location.
RESOURCES = {"lake": ObjectStore(connection="lake")}
