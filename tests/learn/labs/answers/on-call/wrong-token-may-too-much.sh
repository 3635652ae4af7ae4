# token: may-too-much
cd shop
mlops token create --role operate --name webshop-3 > ../webshop/token.txt
