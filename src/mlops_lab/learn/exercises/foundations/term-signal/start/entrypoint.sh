#!/bin/bash
prepare-cache
server --port 8000
echo "the server has ended"
