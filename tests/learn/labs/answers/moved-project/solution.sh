cd laptop/"$PROJECT"
mkdir data tests
mv ../downloads/"$ROWS".csv data/
sed -i 's|^data = .*|data = "data/'"$ROWS"'.csv"|' mlops.toml
printf '.mlops/\n__pycache__/\ndata/\n' > .gitignore
cat > tests/test_project.py <<'PYTHON'
from pathlib import Path

from mlops_lab.starter.checks import find_pipeline_problems


def test_the_pipeline_uses_only_what_a_request_has():
    assert find_pipeline_problems(Path(__file__).parents[1]) == []
PYTHON
git init --quiet
git config user.name Learner
git config user.email learner@example.org
git add -A
git commit --quiet -m "The project"
mlops backup ../../moved
cd ../..
mlops restore moved --project colleague/"$PROJECT"
mkdir -p colleague/"$PROJECT"/data
cp laptop/"$PROJECT"/data/"$ROWS".csv colleague/"$PROJECT"/data/
rm -r moved
cd colleague/"$PROJECT"
mlops export prefect prefect
python prefect/steps.py check
python prefect/steps.py tick
