"""The settings of editors that a new workspace may have."""

from enum import StrEnum


class Editor(StrEnum):
    """An editor that a new workspace can be set up for."""

    VSCODE = "vscode"


# Where each template goes.
EDITORS = {
    Editor.VSCODE: {
        ".vscode/settings.json": "vscode-settings.json",
        ".vscode/extensions.json": "vscode-extensions.json",
        ".vscode/tasks.json": "vscode-tasks.json",
    },
}
