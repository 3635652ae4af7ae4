# guarded: refused-good
sed -i "s/^$NUMBER = .*/$NUMBER = { type = \"float?\", min = $LOW, max = 2 }/" "$PROJECT"/mlops.toml
