#!/bin/bash
git checkout "$1" -- labels.csv
git commit -m "labels of $1"
