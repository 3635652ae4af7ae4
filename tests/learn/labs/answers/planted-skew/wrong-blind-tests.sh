# tested: tests-blind
# The tests have only records whose text was called the same before and after release 4.2.
python - <<'PYTHON'
import json
import os
from pathlib import Path

path = Path(os.environ["CLIENT"], "records.json")
renamed = json.loads(os.environ["SPOILED"])["renamed"]
kept = [pair for pair in json.loads(path.read_text()) if pair[1][os.environ["TEXT"]] not in renamed]
path.write_text(json.dumps(kept))
PYTHON
