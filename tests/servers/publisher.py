"""Publishes a folder in a process of its own, so that a test can kill it: arguments as one JSON document."""

import json
import sys
from pathlib import Path

from servers import venues
from servers.venues import Venue


def main(text: str) -> int:
    asked = json.loads(text)
    opened = [Venue(target=target, environ=asked["environ"], served=dict) for target in asked["targets"]]
    paths = sorted(Path(asked["artifacts"]).glob("*.conda"))
    result = venues.run(opened, paths, Path(asked["folder"]), retry_policy=venues.STORMY, jobs=4)
    return 0 if result.ok else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
