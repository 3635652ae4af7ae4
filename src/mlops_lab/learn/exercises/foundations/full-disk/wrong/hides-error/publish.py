import os


def publish(path, model):
    temporary = path.with_name(f"{path.name}.new")
    try:
        temporary.write_bytes(model)
        os.replace(temporary, path)
    except OSError as error:
        print("could not publish:", error)
        temporary.unlink(missing_ok=True)
