# history: state-in-git
cd shop
git add -f .mlops/deployment.json
git commit --quiet -m "All of it"
