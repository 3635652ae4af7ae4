# harm: wrong-count
# Not each prediction since that day has a wrong value.
python - <<'PYTHON'
import os
import re
from pathlib import Path

import polars as pl

sent = pl.read_delta(f"{os.environ['PROJECT']}/.mlops/lake/predictions").with_columns(day=pl.col(os.environ["TIME"]).dt.date())
path = Path("finding.toml")
text = path.read_text()
since = re.search(rf'"{os.environ["TEXT"]}"\nsince = (\S+)', text)[1]
all_of_them = sent.filter(pl.col("day") >= pl.lit(since).str.to_date()).height
path.write_text(re.sub(rf'("{os.environ["TEXT"]}"\nsince = \S+\npredictions = )\d+', rf"\g<1>{all_of_them}", text))
PYTHON
