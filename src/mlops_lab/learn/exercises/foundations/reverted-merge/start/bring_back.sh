#!/bin/bash
# Called on main: bash bring_back.sh BRANCH REVERT
git merge --no-edit "$1"
