# token: may-too-much
cd "$PROJECT"
mlops token create --role operate --name "$CLIENT"-3 > ../"$CLIENT"/token.txt
