"""Input from EarthRanger: a named connection, and the tasks that load observations, patrols and events."""
