"""What each key of a spec is for: editors show it, and the reference of the documentation is made from it."""

from flowlock.spec.policy import LONGEST_BACKOFF, LONGEST_TIMEOUT, MAX_RETRIES

# By the part of a spec that has the keys.
DESCRIPTIONS = {
    "spec": {
        "id": "The name of the workflow in Python: its function and its package are named after it.",
        "metadata": "How people and package indexes see the workflow.",
        "requirements": "The packages that the tasks come from. Without this key, flowlock finds them.",
        "defaults": "Another spelling of `task-instance-defaults`.",
        "task-instance-defaults": "What holds for every step that does not have the key itself.",
        "rjsf-overrides": "Changes to the form of the parameters, by dotted path.",
        "workflow": "The steps, and groups of steps, in the order in which they run.",
    },
    "metadata": {
        "title": "The title of the form and the dashboard; by default, the id in words.",
        "name": "Another spelling of `title`.",
        "description": "One or more sentences about the workflow.",
        "license": "The licence of the workflow's package, as an SPDX expression.",
        "maintainers": "People who look after the workflow.",
        "keywords": "Words that help to find the workflow.",
        "readme": "Accepted and ignored: the README of the package is generated.",
    },
    "person": {
        "name": "The name of the person.",
        "email": "The address of the person.",
        "role": "Accepted and ignored.",
    },
    "requirement": {
        "name": "The name of a conda package.",
        "version": "A version, or a range as in a conda match spec.",
        "channel": "The channel of the package: one that flowlock.toml lists, by URL, name or alias.",
        "requirement": "The whole requirement in one string, instead of the other keys.",
    },
    "defaults": {"skipif": "When a step is skipped; a step's own `skipif` replaces this."},
    "overrides": {
        "properties": "Changes to the properties of the form's JSON Schema.",
        "$defs": "Changes to the definitions of the form's JSON Schema.",
        "uiSchema": "Changes to how the form shows the properties.",
    },
    "group": {
        "type": "Says that this is a group of steps.",
        "title": "The heading of the group in the form.",
        "description": "A text below the heading.",
        "tasks": "The steps of the group.",
    },
    "step": {
        "id": "The name by which other steps and the parameters refer to the step.",
        "name": "The title of the step in the form, the graph and the log; by default, the id in words.",
        "task": "The name of a task, or its whole path `module.name`.",
        "type": "Accepted for specs of other compilers: says that this is a step.",
        "partial": "Arguments of the task: values, and results of earlier steps. What is required and not "
        "given here becomes a parameter of the workflow.",
        "map": "Calls the task for each value of a list; the result is a list.",
        "mapvalues": "Calls the task for each value of (key, value) pairs; the result has the same keys.",
        "skipif": "When the step is skipped; replaces `task-instance-defaults`.",
        "retries": f"How often a call that failed is repeated: up to {MAX_RETRIES} times.",
        "backoff": f"The seconds before the first repetition, doubled for each further one: up to "
        f"{LONGEST_BACKOFF}.",
        "timeout": f"The seconds after which a call is stopped: up to {LONGEST_TIMEOUT}, which is 7 days.",
        "cache": "Whether results are kept and used again.",
    },
    "iteration": {
        "argnames": "The argument, or arguments, that get a value for each call.",
        "argvalues": "The values: a list, or the result of an earlier step.",
    },
    "skipif": {
        "conditions": "The names of conditions. If one of them holds, the step is skipped.",
        "unpack_depth": "How many levels of lists the conditions look into.",
    },
}
