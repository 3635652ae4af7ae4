# report: wrong-gain
sed -i 's/^gain = .*/gain = 2.5/' report.toml
