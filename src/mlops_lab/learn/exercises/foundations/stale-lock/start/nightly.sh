#!/bin/bash
# Called by cron each hour.
if [ -e nightly.lock ]; then
  echo "another run is under way"
  exit 0
fi
touch nightly.lock
train
rm nightly.lock
