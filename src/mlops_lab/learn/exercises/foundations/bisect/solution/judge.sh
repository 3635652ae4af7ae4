#!/bin/bash
# Is this commit good? Called by: git bisect run bash ./judge.sh
error=$(bash train.sh) || exit 125 # cannot tell
awk -v e="$error" 'BEGIN { exit e > 0.25 }'
