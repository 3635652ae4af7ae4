#!/bin/bash
git merge --no-edit -X theirs "$1"
