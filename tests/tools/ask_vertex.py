"""Read the files of a folder with the types of Vertex AI's SDK: `python ask_vertex.py FOLDER`. Prints what they hold."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from google.cloud.aiplatform_v1 import DeployModelRequest, Endpoint, UploadModelRequest

TYPES = {"upload-model": UploadModelRequest, "deploy-model": DeployModelRequest, "endpoint": Endpoint}
told = {}
for path in sorted(Path(sys.argv[1]).glob("*.json")):
    kind = TYPES[path.stem.rstrip("0123456789").rstrip("-")]
    told[path.name] = kind.to_dict(kind.from_json(path.read_text()))  # an error where a field is unknown
sys.stdout.write(json.dumps(told, default=str))
