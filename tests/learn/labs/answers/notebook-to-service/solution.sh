mlops init shop --data orders.csv --target late --yes
cd shop
sed -i 's/^name = "shop"$/name = "shop"\nclock = "data"/' mlops.toml
printf '\n[gates]\nslices = ["carrier"]\n' >> mlops.toml
mlops run
serve
for orders in ../days/*-orders.jsonl; do
  predict "$orders"
  outcomes="${orders%-orders.jsonl}-outcomes.csv"
  if test -e "$outcomes"; then mlops outcomes "$outcomes"; fi
  mlops tick
done
stop
git init --quiet
git config user.name Learner
git config user.email learner@example.org
git add -A
git commit --quiet -m "A service for late orders"
