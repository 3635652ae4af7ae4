#!/bin/bash
exec server --port 8000
prepare-cache
