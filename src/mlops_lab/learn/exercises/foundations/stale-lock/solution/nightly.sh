#!/bin/bash
# Called by cron each hour.
exec 9> nightly.lock
flock --nonblock 9 || { echo "another run is under way"; exit 0; }
train
