"""What the package brings to the location."""

import dagster as dg

from flowlock_services_jobs.definitions import JOBS, defs, nightly_duplicates


def test_dagster_can_load_the_definitions() -> None:
    dg.Definitions.validate_loadable(defs)
    names = {job.name for job in defs.get_repository_def().get_all_jobs()}
    assert names == {
        "remove_duplicates",
        "fill_missing_values",
        "k_anonymity",
        "l_diversity",
        "pseudonymise_structured",
    }
    assert len(names) == len(JOBS)


def test_the_schedule_has_a_valid_run_config() -> None:
    with dg.build_schedule_context() as context:
        (request,) = nightly_duplicates.evaluate_tick(context).run_requests
    assert dg.validate_run_config(defs.get_job_def("remove_duplicates"), request.run_config)
