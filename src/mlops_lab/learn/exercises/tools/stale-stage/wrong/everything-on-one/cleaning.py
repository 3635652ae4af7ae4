def is_price(text):
    return text.isdigit()
