import os


def publish(path, model):
    temporary = path.with_name(f"{path.name}.new")
    temporary.write_bytes(model)
    os.replace(temporary, path)
