#!/bin/bash
# Called by cron each night.
train | tee train.log
code=${PIPESTATUS[0]}
if [ "$code" -ne 0 ]; then
  echo "train failed: $code" >&2
  exit "$code"
fi
publish model.bin || exit
