"""Build the documentation site: `python -m tools.docs FOLDER ZENSICAL`; a broken link or page is an error."""

import shutil
import subprocess
import sys
from pathlib import Path

from tools.docs.staging import stage


def main() -> int:
    """Write the pages into FOLDER, and let zensical make the site of them."""
    folder, zensical = Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    stage(folder)
    done = subprocess.run([zensical, "build", "--clean", "--strict"], cwd=folder, check=False)
    print(folder / "site" / "index.html")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
