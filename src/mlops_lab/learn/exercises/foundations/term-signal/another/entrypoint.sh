#!/bin/bash
prepare-cache
server --port 8000 &
server=$!
trap 'kill -TERM "$server"' TERM
wait "$server"     # a signal ends this wait, not the server
trap - TERM
wait "$server"
