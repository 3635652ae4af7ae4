#!/bin/bash
set -o pipefail
if train | tee train.log; then
  publish model.bin
else
  echo "training failed"
fi
