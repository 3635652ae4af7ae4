#!/bin/bash
set -e
train > train.log
publish model.bin
