#!/bin/bash
# The nightly retrain. crontab: 15 3 * * *  bash {project}/nightly.sh /srv/inbox/yesterday.csv
# Takes the delivery of the night, and trains on all there is.

cd {project}
cp "$1" data/
mlops run --accept-changes 2>&1 | tee nightly.log
echo "nightly retrain: done"
