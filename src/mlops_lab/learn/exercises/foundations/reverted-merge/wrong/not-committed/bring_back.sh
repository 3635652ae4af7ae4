#!/bin/bash
git revert --no-commit "$2"
git merge --no-commit "$1"
