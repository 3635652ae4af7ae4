# decided: not-ended
cd "$PROJECT"
mlops ab start 2 --share 0.5 --reason "one more try"
