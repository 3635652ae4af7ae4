#!/bin/bash
# Is this commit good? Called by: git bisect run bash ./judge.sh
error=$(bash train.sh) || exit 1
[ "$error" -lt 0.25 ]
