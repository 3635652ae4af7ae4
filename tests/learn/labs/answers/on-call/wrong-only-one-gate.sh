# incident: wrong-gate
sed -i 's/^gate = .*/gate = "sanity"/' incident.toml
