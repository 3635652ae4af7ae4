mlops init "$PROJECT" --data "$ROWS".csv --target "$LABEL" --time "$TIME" --key "$KEY" --yes
cd "$PROJECT"
sed -i 's/^\[project\]$/[project]\nclock = "data"/' mlops.toml
printf '\n[gates]\nslices = ["%s"]\n' "$GROUP" >> mlops.toml
mlops run
serve
for orders in ../days/*-"$ROWS".jsonl; do
  predict "$orders"
  outcomes="${orders%-"$ROWS".jsonl}-outcomes.csv"
  if test -e "$outcomes"; then mlops outcomes "$outcomes"; fi
  mlops tick
done
stop
git init --quiet
git config user.name Learner
git config user.email learner@example.org
git add -A
git commit --quiet -m "A service"
