#!/bin/bash
prepare-cache
server --port 8000 &
