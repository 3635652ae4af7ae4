# guarded: refused-good
sed -i 's/^weight_kg = .*/weight_kg = { type = "float?", min = 0, max = 2 }/' shop/mlops.toml
