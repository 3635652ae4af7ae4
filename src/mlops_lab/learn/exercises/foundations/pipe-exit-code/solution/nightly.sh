#!/bin/bash
# Called by cron each night.
set -euo pipefail
train | tee train.log
publish model.bin
