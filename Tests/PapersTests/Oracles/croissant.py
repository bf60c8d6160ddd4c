"""What mlcroissant (PyPI, 1.1.1) says to the exports of the data-sharing experiment.

    pinion reproduce data-sharing --quick --out /tmp/runs
    python croissant.py /tmp/runs/data-sharing-*/croissant > croissant.json

For each file: SHA-256 of its text, errors and warnings. The tests compare the text that Pinion writes now with the one that
was judged.
"""

import hashlib
import importlib.metadata
import json
import pathlib
import sys

import mlcroissant

verdicts = {}
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.json")):
    try:
        context = mlcroissant.Dataset(jsonld=str(path)).metadata.ctx
        errors, warnings = sorted(context.issues.errors), sorted(context.issues.warnings)
    except mlcroissant.ValidationError as error:
        errors, warnings = [str(error)], []
    verdicts[path.stem] = {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "errors": errors,
        "warnings": warnings,
    }
json.dump({"mlcroissant": importlib.metadata.version("mlcroissant"), "verdicts": verdicts}, sys.stdout, indent=1, sort_keys=True)
print()
