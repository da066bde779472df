"""Jobs that clean tables."""

import dagster as dg

from flowlock_services_jobs.ops.cleaning import fill_cells, keep_distinct_rows
from flowlock_services_jobs.ops.tables import read_table, write_table
from flowlock_services_jobs.resources import RESOURCES


@dg.job(resource_defs=RESOURCES)
def remove_duplicates() -> None:
    """Keep one of several equal rows of a table."""
    write_table(keep_distinct_rows(read_table()))


@dg.job(resource_defs=RESOURCES)
def fill_missing_values() -> None:
    """Fill the missing values of a table."""
    write_table(fill_cells(read_table()))
