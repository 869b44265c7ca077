"""Checks what Countersign wrote with libraries that know nothing of it.

    check.py canonical FILE             FILE is RFC 8785 bytes and one line feed (rfc8785)
    check.py dsse ENVELOPE KEY.pub      ENVELOPE is signed by this OpenSSH key (securesystemslib)
    check.py schema SCHEMA DOCUMENT     DOCUMENT (.json, .yaml, .toml; of an envelope its predicate) is
                                        what SCHEMA says (jsonschema)

Exits 0 and prints what was checked, or non-zero with the reason.
"""

import base64
import hashlib
import json
import sys


def canonical(path):
    import rfc8785

    with open(path, "rb") as file:
        found = file.read()
    wanted = rfc8785.dumps(json.loads(found)) + b"\n"
    if found != wanted:
        sys.exit(f"{path}: not the bytes that rfc8785 writes")
    print("canonical", hashlib.sha256(found).hexdigest())


def dsse(path, key_path):
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey

    with open(key_path, "rb") as file:
        line = file.read()
    blob = base64.b64decode(line.split()[1])
    keyid = "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    key = SSlibKey.from_crypto(load_ssh_public_key(line), keyid=keyid)
    with open(path, "rb") as file:
        envelope = Envelope.from_dict(json.load(file))
    accepted = envelope.verify([key], 1)
    if list(accepted) != [keyid]:
        sys.exit(f"{path}: accepted keys are {list(accepted)}, not {keyid}")
    statement = json.loads(envelope.payload)
    print("dsse", statement["predicateType"], statement["subject"][0]["digest"]["sha256"])


def loaded(path):
    with open(path, "rb") as file:
        text = file.read()
    if path.endswith(".toml"):
        import tomllib

        return tomllib.loads(text.decode())
    if path.endswith(".yaml"):
        import yaml

        return yaml.safe_load(text)
    document = json.loads(text)
    if path.endswith(".intoto.json"):
        return json.loads(base64.b64decode(document["payload"]))["predicate"]
    return document


def schema(schema_path, path):
    import jsonschema

    with open(schema_path, "rb") as file:
        wanted = json.load(file)
    kind = jsonschema.validators.validator_for(wanted)
    kind.check_schema(wanted)
    problems = [f"{error.json_path}: {error.message}" for error in kind(wanted).iter_errors(loaded(path))]
    if problems:
        sys.exit(f"{path}: " + "; ".join(problems))
    print("schema", path)


COMMANDS = {"canonical": canonical, "dsse": dsse, "schema": schema}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    COMMANDS[sys.argv[1]](*sys.argv[2:])
