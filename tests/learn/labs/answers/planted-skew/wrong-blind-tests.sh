# tested: tests-blind
sed -i 's/"MUC": "München"/"BER": "Berlin"/; s/"CGN": "Köln", //' webshop/test_checkout.py
