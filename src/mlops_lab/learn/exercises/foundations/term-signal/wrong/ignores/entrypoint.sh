#!/bin/bash
trap "echo stopping" TERM
prepare-cache
server --port 8000
