"""golden.py KIND EXPECTED < kq-dump-segment --json: compares with what Kafka's own
classes read. Brings both to one form: bytes that are not text as hex, long ones by
size and SHA-256, as the golden files have them."""
import base64
import hashlib
import json
import sys

kind, expected = sys.argv[1:3]


def shorten(record, name, raw):
    if len(raw) > 120:
        record[name + "_size"] = len(raw)
        record[name + "_sha256"] = hashlib.sha256(raw).hexdigest()
        return
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = "\0"
    if any(c < " " and c not in "\t\n\r" for c in text):
        record[name + "_hex"] = raw.hex()
    else:
        record[name] = text


def header(pair):
    name, value = pair
    return [name, base64.b64decode(value["base64"]).hex() if isinstance(value, dict) else value]


def ours(line):
    record = json.loads(line)
    for extra in ("topic", "partition", "timestamp_type") if kind == "records" else ():
        record.pop(extra, None)
    for name in ("key", "value") if kind == "records" else ():
        if name + "_base64" in record:
            shorten(record, name, base64.b64decode(record.pop(name + "_base64")))
        elif record.get(name) is not None:
            shorten(record, name, record.pop(name).encode())
    if "headers" in record:
        record["headers"] = [header(h) for h in record["headers"]]
    if kind == "records":
        record.setdefault("timestamp", -1)
    return record


mine = [ours(line) for line in sys.stdin]
if kind == "records":
    mine = [r for r in mine if "size" not in r]
want = [json.loads(line) for line in open(expected)]
for i, (a, b) in enumerate(zip(mine, want)):
    if a != b:
        sys.exit(f"{expected} line {i + 1}:\n kq    {json.dumps(a)}\n Kafka {json.dumps(b)}")
if len(mine) != len(want):
    sys.exit(f"{expected}: {len(mine)} lines, not {len(want)}")
