"""Load the files of a folder with Azure's SDK: `python ask_azureml.py FOLDER`. Prints what they hold."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from azure.ai.ml import load_online_deployment, load_online_endpoint

told = {}
for path in sorted(Path(sys.argv[1]).glob("*.yml")):
    load = load_online_endpoint if path.name.startswith("endpoint") else load_online_deployment
    told[path.name] = load(path)._to_dict()  # the SDK has no public way to show what it loaded
sys.stdout.write(json.dumps(told, default=str))
