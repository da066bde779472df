"""Jobs that make tables which can be given away."""

import dagster as dg

from flowlock_services_jobs.ops.privacy import make_rows_alike, make_rows_diverse, replace_identities
from flowlock_services_jobs.ops.tables import read_table, write_table
from flowlock_services_jobs.resources import RESOURCES


@dg.job(resource_defs=RESOURCES)
def k_anonymity() -> None:
    """Make each row of a table look like k - 1 others."""
    write_table(make_rows_alike(read_table()))


@dg.job(resource_defs=RESOURCES)
def l_diversity() -> None:
    """Make rows look alike that differ in what is sensitive."""
    write_table(make_rows_diverse(read_table()))


@dg.job(resource_defs=RESOURCES)
def pseudonymise_structured() -> None:
    """Replace the values of some columns by pseudonyms."""
    write_table(replace_identities(read_table()))
