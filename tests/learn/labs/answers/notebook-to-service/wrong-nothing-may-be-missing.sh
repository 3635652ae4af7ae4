# answers: refused-good
sed -i 's/^'"$GAP"' = .*/'"$GAP"' = "float"/' "$PROJECT"/mlops.toml
