#!/bin/bash
# Called on main: bash bring_back.sh BRANCH REVERT
set -e
git revert --no-edit "$2"
git merge --no-edit "$1"
