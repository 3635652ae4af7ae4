#!/bin/bash
if ! error=$(bash train.sh); then
  exit 125
fi
thousandths=$(printf '%.3f' "$error" | tr -d . | sed 's/^0*//')
[ "${thousandths:-0}" -le 250 ] && exit 0 || exit 1
