#!/bin/bash
if [ -e nightly.lock ] && kill -0 "$(cat nightly.lock)" 2>/dev/null; then
  echo "another run is under way"
  exit 0
fi
echo $$ > nightly.lock
train
rm nightly.lock
