# rights: readable-secret
chmod 644 colleague/"$PROJECT"/.mlops/keys/*.pem
