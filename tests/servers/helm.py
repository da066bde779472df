"""Renders texts of values with Helm's own engine and validates what comes out; runs where its parts are.

Reads a JSON object of names and texts, writes one of names and lists of images, or of one text with an error.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

VERSION = "1.32"


def rendered(chart: Any, text: str) -> list[str]:
    """Return the images of the manifests that a chart makes of a text of values, if they are valid."""
    import helm_python
    import kubernetes_validate
    import yaml

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "values.yaml"
        file.write_text(text, encoding="utf-8", newline="")
        values = helm_python.values_from_yaml(file.read_text(encoding="utf-8"))
    images = []
    for manifests in chart.render(values, name="release", namespace="default").values():
        for document in filter(None, yaml.safe_load_all(manifests)):
            kubernetes_validate.validate(document, VERSION, strict=True)
            images += [container["image"] for container in document["spec"]["template"]["spec"]["containers"]]
    return images


def main() -> None:
    """Render every text of stdin."""
    import helm_python
    import kubernetes_validate
    import yaml

    refused = (helm_python.HelmError, kubernetes_validate.ValidationError, yaml.YAMLError)
    chart = helm_python.Chart.load(sys.argv[1])
    outcomes: dict[str, Any] = {}
    for name, text in json.load(sys.stdin).items():
        try:
            outcomes[name] = rendered(chart, text)
        except refused as error:
            outcomes[name] = f"{type(error).__name__}: {error}"
    json.dump(outcomes, sys.stdout)


if __name__ == "__main__":
    main()
