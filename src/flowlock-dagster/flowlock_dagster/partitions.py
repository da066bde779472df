"""Partitions of a job by time: each run is given the range of its partition as a parameter."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import dagster as dg

# Time ranges include both ends, partitions only their start.
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class TimePartitions:
    """A time range of a workflow, `STEP.PARAMETER`, that partitions by day, week, month and so on give.

    `params` are the other parameters. The times are those of the partitions' time zone, without an offset.
    """

    definition: dg.TimeWindowPartitionsDefinition
    parameter: str
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def params_of(self, key: str) -> dict[str, dict[str, Any]]:
        """Return the parameters of the run of a partition."""
        window = self.definition.time_window_for_partition_key(key)
        step, _, name = self.parameter.partition(".")
        since, until = window.start.replace(tzinfo=None), window.end.replace(tzinfo=None) - _MOMENT
        time_range = {"since": since.isoformat(), "until": until.isoformat()}
        params = {other: dict(values) for other, values in self.params.items()}
        params[step] = {**params.get(step, {}), name: time_range}
        return params

    def config(self, run_config: Callable[[Mapping[str, Any]], dict[str, Any]]) -> dg.PartitionedConfig:
        """Return the config of a job whose run config is made of parameters by a function."""
        return dg.PartitionedConfig(
            partitions_def=self.definition,
            run_config_for_partition_key_fn=lambda key: run_config(self.params_of(key)),
        )
