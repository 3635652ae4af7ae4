# recover: failed
sed -i '/rm "$taken"/d' "$PROJECT"/nightly.sh
