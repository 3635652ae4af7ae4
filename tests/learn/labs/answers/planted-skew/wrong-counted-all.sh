# harm: wrong-count
# Not each prediction since that day has a wrong value.
python - <<'PYTHON'
import re
from pathlib import Path

import polars as pl

sent = pl.read_delta("shop/.mlops/lake/predictions").with_columns(day=pl.col("ordered_at").dt.date())
path = Path("finding.toml")
text = path.read_text()
since = re.search(r'"city"\nsince = (\S+)', text)[1]
all_of_them = sent.filter(pl.col("day") >= pl.lit(since).str.to_date()).height
path.write_text(re.sub(r'("city"\nsince = \S+\npredictions = )\d+', rf"\g<1>{all_of_them}", text))
PYTHON
