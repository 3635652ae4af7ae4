#!/bin/bash
set -e
train | tee train.log
publish model.bin
