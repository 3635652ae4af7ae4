#!/bin/bash
git revert --no-edit "$2"
