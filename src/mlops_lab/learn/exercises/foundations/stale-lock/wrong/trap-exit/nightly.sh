#!/bin/bash
if [ -e nightly.lock ]; then
  echo "another run is under way"
  exit 0
fi
touch nightly.lock
trap 'rm -f nightly.lock' EXIT INT TERM
train
