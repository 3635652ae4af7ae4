# alone: not-alone
sed -i 's|^data = .*|data = "../../laptop/'"$PROJECT/data/$ROWS"'.csv"|' colleague/"$PROJECT"/mlops.toml
