# rights: readable-secret
chmod 644 colleague/shop/.mlops/keys/*.pem
