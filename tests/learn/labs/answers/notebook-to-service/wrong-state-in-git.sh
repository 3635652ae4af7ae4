# history: state-in-git
cd "$PROJECT"
git add -f .mlops/deployment.json
git commit --quiet -m "All of it"
