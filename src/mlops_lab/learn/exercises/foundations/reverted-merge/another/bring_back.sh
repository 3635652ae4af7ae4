#!/bin/bash
# The same changes as new commits, which main has never seen.
set -e
merge=$(git log --merges --format=%H -1 "$2^")
fork=$(git merge-base "$merge^1" "$merge^2")
git cherry-pick "$fork..$1"
