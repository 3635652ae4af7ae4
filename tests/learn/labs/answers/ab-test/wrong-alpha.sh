# error-rate: too-often-wrong
sed -i 's/^unit = "EUR"/unit = "EUR"\nalpha = 0.2/' "$PROJECT"/mlops.toml
