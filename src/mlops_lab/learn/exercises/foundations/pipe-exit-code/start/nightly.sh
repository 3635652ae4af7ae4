#!/bin/bash
# Called by cron each night.
train | tee train.log
publish model.bin
