"""Answers rows of model inputs, a JSON object a line: python predict.py ROWS.jsonl (needs onnxruntime and numpy)."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime

spec = json.loads(Path(__file__).with_name("preprocessing.json").read_text(encoding="utf-8"))
codes = {name: {text: code for code, text in enumerate(texts)} for name, texts in spec["categories"].items()}
session = onnxruntime.InferenceSession(Path(__file__).with_name("model.onnx"), providers=["CPUExecutionProvider"])
with Path(sys.argv[1]).open(encoding="utf-8") as file:
    rows = [json.loads(line) for line in file]
feed = {}
for tensor in spec["tensors"]:
    kind, missing = (object, "") if tensor["type"] == "string" else (tensor["type"], np.nan)
    cells = [[codes[name].get(row[name]) if name in codes else row[name] for name in tensor["inputs"]] for row in rows]
    feed[tensor["name"]] = np.array([[missing if cell is None else cell for cell in line] for line in cells], kind)
print(json.dumps(session.run([spec["output"]], feed)[0].tolist()))
