from cleaning import is_price

with open("raw.csv") as raw, open("clean.csv", "w") as clean:
    clean.writelines(line for line in raw if is_price(line.strip()))
