"""The upload of a run's results: done by the process of the run when it has succeeded."""

from flowlock_core.errors import WorkflowError
from flowlock_core.runs.object_blobs import ObjectBlobs, connection_named
from flowlock_serve.runs.run_files import LOG, PARAMS, RESULTS, RunFiles
from flowlock_serve.settings import ResultsTarget

# The runs of a service are below a folder of this name, here and in a bucket.
FOLDER = "service"


def opened(target: ResultsTarget) -> ObjectBlobs:
    """Return the bucket; a WorkflowError has every problem of the connection."""
    name = target.connection
    return ObjectBlobs(target.url, None if name is None else connection_named(name, target.url))


def key_of(run: str, path: str) -> str:
    """Return the key of a file in the folder of a run."""
    return f"{FOLDER}/{run}/{path}"


def upload_results(files: RunFiles, run: str, blobs: ObjectBlobs) -> None:
    """Upload the parameters, the log and the results of a run, and remove its local results.

    If that fails, a WorkflowError says why, and the local results are kept. What was printed is not uploaded:
    it may have secrets, which are masked when the service shows it.
    """
    sizes = {name: (files.results / name).stat().st_size for name in files.result_names()}
    try:
        for name in sizes:
            blobs.put(key_of(run, f"{RESULTS}/{name}"), files.results / name)
        for name in (PARAMS, LOG):
            blobs.put(key_of(run, name), files.folder / name)
    except WorkflowError as error:
        raise WorkflowError(
            f"the results were not uploaded, and were kept in {files.results}: {error.message}",
            code="FL749",
            hint="when the bucket can be written to again, resume the run: the results of the finished steps "
            "are cached",
        ) from error
    files.has_moved_to(str(blobs.url), sizes)
