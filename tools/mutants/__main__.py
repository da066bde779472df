"""`python -m tools.mutants [MODULE…]`: mutate the modules of `known.toml`, or those whose names have this."""

import os
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

from tools.mutants.known import Known, Target
from tools.mutants.mutate import Mutant, mutants
from tools.mutants.report import Report
from tools.mutants.trial import Copy, Outcome

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = ROOT / "src/flowlock"
KNOWN = Path(__file__).with_name("known.toml")


def main() -> int:
    """Print each surviving mutant and a table; return 1 if one is not listed or too few are killed."""
    known = Known.model_validate(tomllib.loads(KNOWN.read_text(encoding="utf-8")))
    targets = [target for target in known.targets if _is_requested(target.module)]
    if not targets:
        sys.exit(f"no module in {KNOWN.name} has one of these names: {', '.join(sys.argv[1:])}")
    jobs = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        copies: Queue[Copy] = Queue()
        for number in range(jobs):
            copy = Copy(root=ROOT, source=SOURCE, folder=Path(folder, str(number)))
            copy.copy()
            copies.put(copy)
        reports = [_report(target, copies, jobs, known) for target in targets]
    for report in reports:
        print(report.as_text())
    return 0 if all(report.ok for report in reports) else 1


def _is_requested(module: str) -> bool:
    return not sys.argv[1:] or any(name in module for name in sys.argv[1:])


def _report(target: Target, copies: "Queue[Copy]", jobs: int, known: Known) -> Report:
    """Run the tests of a module against each of its mutants, and against the module itself."""
    copy = copies.get()
    original = copy.module_file(target.module).read_text(encoding="utf-8")
    imported = copy.imported_file(target.module)
    if imported != copy.module_file(target.module):
        sys.exit(f"{target.module} is imported from {imported}: its mutants would not be")
    unchanged = copy.run(target.tests)
    copies.put(copy)
    if unchanged.outcome is not Outcome.SURVIVED:
        sys.exit(f"the tests of {target.module} fail without a mutant ({unchanged.outcome})")
    made = mutants(original)
    print(f"{target.module}: {len(made)} mutants, {unchanged.seconds:.1f} s each", flush=True)

    def tried(mutant: Mutant) -> Outcome:
        own = copies.get()
        try:
            own.replace(target.module, mutant.source)
            outcome = own.run(target.tests, unchanged.seconds).outcome
            own.replace(target.module, original)
        finally:
            copies.put(own)
        if outcome is not Outcome.KILLED:
            print(f"  {outcome}: line {mutant.line}: {mutant.key}", flush=True)
        return outcome

    with ThreadPoolExecutor(jobs) as pool:
        outcomes = dict(zip((mutant.key for mutant in made), pool.map(tried, made), strict=True))
    return Report(module=target.module, outcomes=outcomes, known=known)


sys.exit(main())
