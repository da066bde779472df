"""The mistakes that people make on the way from an empty folder to a dashboard, chapter by chapter."""

from walk import data, names, running, specs, tasks, workspaces
from walk.mistake import Mistake

CHAPTERS: dict[str, dict[str, Mistake]] = {
    "workspaces": workspaces.MISTAKES,
    "names": names.MISTAKES,
    "data": data.MISTAKES,
    "specs": specs.MISTAKES,
    "tasks": tasks.MISTAKES,
    "running": running.MISTAKES,
}
