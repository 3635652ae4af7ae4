#!/bin/bash
prepare-cache
exec server --port 8000
