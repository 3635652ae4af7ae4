#!/bin/bash
prepare-cache
server --port 8000 &
trap 'kill -TERM $!; wait; exit 0' TERM
wait
