"""`flowlock schema`: JSON Schemas of the files that people write, for editors."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowlock.documents.settings import settings_schema
from flowlock.report.reporter import Progress
from flowlock.spec.json_schema import spec_schema
from flowlock.tasks.discover import signatures
from flowlock.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class SchemaResult:
    """A JSON Schema: a JSON document, in every output format."""

    document: Mapping[str, Any]
    ok: bool = True

    def as_json(self) -> Mapping[str, Any]:
        """Return the schema."""
        return self.document

    def as_text(self) -> str:
        """Return the schema as indented JSON."""
        return json.dumps(self.document, indent=2, ensure_ascii=False)


def spec_schema_of(workspace: Workspace, *, progress: Progress | None = None) -> SchemaResult:
    """Return the JSON Schema of a spec, with every task that is known in a workspace."""
    return SchemaResult(document=spec_schema(signatures(workspace, progress=progress)))


def workspace_schema() -> SchemaResult:
    """Return the JSON Schema of flowlock.toml; it is the same everywhere."""
    return SchemaResult(document=settings_schema())
