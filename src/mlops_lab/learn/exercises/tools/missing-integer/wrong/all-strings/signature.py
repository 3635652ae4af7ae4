def make_signature(sample):
    return [{"name": name, "type": "string", "required": True} for name in sample.columns]
