"""Sound files of each kind, which tests damage."""

import json

from flowlock.release.targets import gitea_release
from flowlock.release.targets.forge import Repository
from flowlock.release.targets.github import Asset, GitHubRelease

MANIFEST = """\
[workspace]
name = "demo"
channels = ["https://example.org/release", {channel = "conda-forge", priority = 1}]
platforms = ["linux-64", "osx-arm64"]
channel-priority = "strict"
exclude-newer = "2026-01-01"

[system-requirements]
libc = "2.28"

[dependencies]
a = ">=1,<2"
python = {version = "3.12.*", build = "*_cpython"}

[constraints]
b = "<2"

[target.linux-64.dependencies]
b = "*"

[feature.gpu]
platforms = ["linux-64"]

[feature.gpu.dependencies]
b = {version = ">=1", channel = "conda-forge"}

[environments]
gpu = {features = ["gpu"], solve-group = "default"}

[tasks]
x = "echo x"
"""
FORGE = "https://conda.anaconda.org/conda-forge"
LOCK = f"""\
version: 7
platforms:
- name: linux-64
  virtual-packages:
  - __glibc=2.28
environments:
  default:
    channels:
    - url: {FORGE}/
    options:
      strategy: lowest-version
    packages:
      linux-64:
      - conda: {FORGE}/linux-64/a-1.10-h0_3.conda
      - conda: {FORGE}/noarch/b-2-pyh1_0.conda
packages:
- conda: {FORGE}/linux-64/a-1.10-h0_3.conda
  sha256: 1dd3fffd892081df9726d7eb7e0dea6198962ba775bd88842135a4ddb4deb3c9
  md5: a9f577daf3de00bca7c3c76c0ecbd1de
  depends:
  - __glibc >=2.17,<3.0.a0
  - b >=2
  license: MIT
  size: 2562
  timestamp: 1578324546067
- conda: {FORGE}/noarch/b-2-pyh1_0.conda
  sha256: 2dd3fffd892081df9726d7eb7e0dea6198962ba775bd88842135a4ddb4deb3c9
  noarch: python
  depends: []
  size: 100
  timestamp: 1578324546000
"""
LOCK_MANIFEST = """\
[workspace]
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
a = ">=1"

[pypi-options]
"""
PARAMS = """\
table:
  path: trips.csv
  days: [1, 2.5, null]
  range: {start: 2026-01-01, end: '2026-02-01T00:00:00Z'}
ratio:
  numerator: x
  on: true
"""
CASES = """\
usual:
  name: Usual
  params:
    table: {path: trips.csv, days: [1, 2]}
  mock-io: true
  mocks: {table: trips.csv}
  expect:
    ratio: {value: 1.5}
refused:
  params: {table: {path: absent.csv}}
  expect-error: cannot be read
"""
REPODATA = json.dumps(
    {
        "info": {"subdir": "noarch", "base_url": "https://example.org/release/noarch"},
        "packages": {},
        "packages.conda": {
            f"{name}-1.0-pyh1_0.conda": {
                "name": name,
                "version": "1.0",
                "build": "pyh1_0",
                "build_number": 0,
                "subdir": "noarch",
                "noarch": "python",
                "depends": ["__unix"],
                "sha256": "0" * 64,
                "md5": "0" * 32,
                "size": 100,
                "timestamp": 1578324546000,
            }
            for name in ("a", "b")
        },
        "removed": [],
        "repodata_version": 2,
    }
)
OBJECTS = (
    (Repository, {"id": 1, "permissions": {"push": True}}),
    (
        GitHubRelease,
        {
            "id": 1,
            "tag_name": "v1",
            "draft": True,
            "html_url": "https://example.org/x",
            "upload_url": "https://example.org/x{?name}",
            "body": None,
        },
    ),
    (
        Asset,
        {
            "id": 1,
            "name": "x.conda",
            "state": "uploaded",
            "browser_download_url": "https://example.org/x",
            "digest": "sha256:" + "0" * 64,
        },
    ),
    (
        gitea_release.GiteaRelease,
        {"id": 1, "tag_name": "v1", "draft": True, "html_url": "https://example.org/x", "body": ""},
    ),
    (
        gitea_release.Attachment,
        {
            "id": 1,
            "name": "x.conda",
            "uuid": "12345678-1234-5678-1234-567812345678",
            "browser_download_url": "https://example.org/x",
        },
    ),
)
