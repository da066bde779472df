"""A compiled workflow as its command sees it: the function that runs, and the files beside it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowlock_core.errors import WorkflowError

if TYPE_CHECKING:
    from flowlock_core.execute.protocol import Workflow
    from flowlock_core.results import Position


@dataclass(frozen=True, kw_only=True, slots=True)
class Bundle:
    """A workflow by its package, module and function; `main` and `folder` if it runs as a file."""

    package: str
    module: str
    function: str
    main: "Workflow | None" = None
    folder: Path | None = None

    @classmethod
    def named(cls, workflow: str) -> "Bundle":
        """Return the bundle of `package.module:function`."""
        module, _, function = workflow.partition(":")
        return cls(package=module.partition(".")[0], module=module, function=function)

    @classmethod
    def of_file(cls, main: "Workflow", file: str) -> "Bundle":
        """Return the bundle of a workflow module that runs as a file."""
        folder = Path(file).resolve().parent
        function = getattr(main, "__name__", "workflow")
        return cls(package=folder.name, module="__main__", function=function, main=main, folder=folder)

    @property
    def command(self) -> str:
        """The name of the command, which is the distribution's too."""
        return self.package.replace("_", "-")

    def load(self) -> "Workflow":
        """Return the function, imported now if it was not."""
        if self.main is not None:
            return self.main
        workflow: Workflow = getattr(import_module(self.module), self.function)
        return workflow

    def text(self, name: str) -> str | None:
        """Return the text of a file of the package, None if it has no such file."""
        folder = self.folder or _folder_of(self.package)
        if folder is None:
            return None
        file = folder / name
        return file.read_text(encoding="utf-8") if file.is_file() else None

    def required_text(self, name: str) -> str:
        """Return the text of a file that every compiled package has; a WorkflowError if this one has not."""
        text = self.text(name)
        if text is None:
            hint = "compile the workflow again"
            raise WorkflowError(f"the package {self.package} has no {name}", hint=hint)
        return text

    def params_schema(self) -> Mapping[str, Any]:
        """Return the JSON Schema of the parameters; an empty one where the package has none."""
        text = self.text("params.schema.json")
        schema: Mapping[str, Any] = {} if text is None else json.loads(text)
        return schema

    def layout(self) -> Mapping[int, "Position"]:
        """Return where the dashboard's cards stand, by the numbers of their widgets."""
        from flowlock_core.results import Position

        text = self.text("layout.json")
        if text is None:
            return {}
        positions = {}
        for item in json.loads(text):
            positions[item["widget_id"]] = Position(x=item["x"], y=item["y"], w=item["w"], h=item["h"])
        return positions


def _folder_of(package: str) -> Path | None:
    """Return the folder of a package: `importlib.resources` takes a seventh of the time that `--help` has."""
    file = import_module(package).__file__
    return None if file is None else Path(file).parent
