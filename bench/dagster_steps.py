"""What our part of a step costs in Dagster: 100 steps in one process, beside a bare job of the same shape.

Both in the environment that `make test-parts` makes, with SQLite and Dagster's pickling I/O manager. The
seconds are of the processor: Dagster writes to a disk for most of the time, and what that takes varies.
"""

import subprocess
from pathlib import Path

from bench._measure import print_table

STEPS = 100
GOAL = 1.0
LOCATION_GOAL = 1.0
ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".parts/dagster/bin/python"
PROGRAM = """
import json, logging, os, sys, tempfile, time
logging.disable(logging.CRITICAL)
began = time.perf_counter()
import dagster as dg
imported = time.perf_counter() - began
from bench._dagster_workflow import STEPS, chain
from flowlock_dagster.job import workflow_job

def bare():
    schema = dg.Field(dg.Permissive(), is_required=False)
    @dg.op(ins={"value": dg.In(dg.Any)}, out=dg.Out(dg.Any), config_schema=schema)
    def increment(context, value):
        yield dg.Output(value + 1, metadata={"status": "done", "calls": 1, "skipped": 0, "reused": 0})
    @dg.op
    def start():
        return 0
    @dg.op(ins={"value": dg.In(dg.Any)})
    def write_result(value):
        return value
    @dg.job(executor_def=dg.in_process_executor)
    def bare_chain():
        value = start()
        for _ in range(STEPS - 1):
            value = increment(value)
        write_result(value)
    return bare_chain

with tempfile.TemporaryDirectory() as home:
    os.environ["DAGSTER_HOME"] = home
    with dg.DagsterInstance.local_temp(home, {"telemetry": {"enabled": False}}) as instance:
        ours, plain = workflow_job("bench._dagster_workflow:chain"), bare()
        def run(job):
            assert job.execute_in_process(instance=instance).success
        run(ours), run(plain)
        # The least of several turns: whatever else the machine does can only add to it.
        seconds = {"ours": [], "bare": []}
        for _ in range(5):
            for name, job in (("ours", ours), ("bare", plain)):
                began = time.process_time()
                run(job)
                seconds[name].append(time.process_time() - began)
began = time.process_time()
jobs = [workflow_job("bench._dagster_workflow:usual", name=f"usual_{number}") for number in range(20)]
dg.Definitions(jobs=jobs).get_repository_def().get_all_jobs()
loaded = time.process_time() - began
least = {name: min(turns) for name, turns in seconds.items()}
print(json.dumps({**least, "imported": imported, "loaded": loaded}))
"""


def main() -> None:
    """Print milliseconds a step, and the seconds in which a location of 20 such workflows loads."""
    import json

    if not PYTHON.is_file():
        print("Dagster is not here: `make test-parts` installs it")
        return
    done = subprocess.run([PYTHON, "-c", PROGRAM], cwd=ROOT, check=True, capture_output=True, text=True)
    measured = json.loads(done.stdout.splitlines()[-1])
    ours, bare = measured["ours"] / STEPS * 1e3, measured["bare"] / STEPS * 1e3
    rows: list[list[object]] = [
        ["bare Dagster", bare, ""],
        ["a step of a workflow", ours, ""],
        ["our part", ours - bare, f"at most {GOAL}"],
    ]
    print_table(["ms a step", "CPU", "goal"], rows)
    loads = [
        ["import dagster (wall)", measured["imported"], ""],
        ["20 workflows of 24 steps (CPU)", measured["loaded"], f"at most {LOCATION_GOAL}"],
    ]
    print_table(["seconds", "", "goal"], loads)
