"""`python -m bench [NAME…]`: run the named measurements, or all."""

import importlib
import pkgutil
import sys

import bench

names = sorted(
    module.name for module in pkgutil.iter_modules(bench.__path__) if not module.name.startswith("_")
)
asked = sys.argv[1:] or names
unknown = sorted(set(asked) - set(names))
if unknown:
    sys.exit(f"no such measurement: {', '.join(unknown)}; there are: {', '.join(names)}")
for name in asked:
    print(f"\n# {name}", flush=True)
    importlib.import_module(f"bench.{name}").main()
