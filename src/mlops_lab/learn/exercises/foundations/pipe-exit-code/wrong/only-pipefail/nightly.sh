#!/bin/bash
set -o pipefail
train | tee train.log
publish model.bin
