"""What the package brings to the location: jobs, a schedule, and who is notified of their ends."""

import dagster as dg

from flowlock_dagster.notifications.channels import Webhook
from flowlock_dagster.notifications.sensor import notification_sensor
from flowlock_services_jobs.jobs.cleaning import fill_missing_values, remove_duplicates
from flowlock_services_jobs.jobs.privacy import k_anonymity, l_diversity, pseudonymise_structured

JOBS = [remove_duplicates, fill_missing_values, k_anonymity, l_diversity, pseudonymise_structured]

# Off when it is first loaded: turn it on in Dagster's page.
nightly_duplicates = dg.ScheduleDefinition(
    name="nightly_duplicates",
    job=remove_duplicates,
    cron_schedule="30 2 * * *",
    execution_timezone="Europe/Berlin",
    run_config={
        "ops": {
            "read_table": {"config": {"key": "raw/visits.csv"}},
            "keep_distinct_rows": {"config": {"columns": ["person", "day"], "keep": "last"}},
            "write_table": {"config": {"key": "clean/visits.parquet", "mode": "replace"}},
        }
    },
)

# Names of environment variables; the location's own sensor is about the jobs of workflows.
notifications = notification_sensor(
    [Webhook(url="TEAM_HOOK", signed_with="TEAM_HOOK_KEY")],
    name="services_notifications",
    jobs=[job.name for job in JOBS],
)

defs = dg.Definitions(jobs=JOBS, schedules=[nightly_duplicates], sensors=[notifications])
