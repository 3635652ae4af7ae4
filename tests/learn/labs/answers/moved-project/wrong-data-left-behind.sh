# alone: not-alone
sed -i 's|^data = .*|data = "../../laptop/shop/data/orders.csv"|' colleague/shop/mlops.toml
