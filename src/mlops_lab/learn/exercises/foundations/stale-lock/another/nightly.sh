#!/bin/bash
flock -n nightly.lock train
