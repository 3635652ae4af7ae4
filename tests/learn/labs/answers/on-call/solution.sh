cd "$PROJECT"
! mlops rollback --reason "version 2 warns the wrong customers, says support"
mlops restore ../backup --project ../monday
for package in $(cd ../monday && find .mlops/mlflow/artifacts -name MLmodel -exec dirname {} \;); do
  diff -rq "../monday/$package" "$package" || cp "../monday/$package"/model.* "$package"/
done
mlops rollback --reason "version 2 warns the wrong customers, says support"
mlops token revoke "$CLIENT"
mlops token create --role predict --name "$CLIENT"-2 > ../"$CLIENT"/token.txt
sed -i -e '/^days = 4/d' -e '/^min_days/d' -e '/^alpha = /d' -e '/^max_calibration_gap/d' mlops.toml
python - <<'PYTHON'
import polars as pl

decision = pl.read_delta(".mlops/lake/decisions").filter(pl.col("what") == "promote").row(-1, named=True)
predictions = pl.read_delta(".mlops/lake/predictions").filter(pl.col("version") == decision["version"]).height
with open("../incident.toml", "w") as file:
    file.write(f"version = {decision['version']}\nbegan = {decision['at'].isoformat()}\n")
    file.write(f'predictions = {predictions}\nmade_live_by = "Kim"\ngate = "backtest"\n')
PYTHON
rm -r ../monday
