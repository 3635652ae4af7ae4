# recover: failed
sed -i '/rm "$taken"/d' shop/nightly.sh
