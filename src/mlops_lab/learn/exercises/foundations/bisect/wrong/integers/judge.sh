#!/bin/bash
error=$(bash train.sh) || exit 125
[ "$error" -gt 0.25 ] && exit 1
exit 0
