#!/usr/bin/env python3
"""raw.py HOST:PORT COMMAND ARG...: requests that no well-behaved client would send.

Speaks as little of the protocol as the tests need, with nothing but the standard
library, and prints one line a answer.

    produce TOPIC PARTITION KIND [TEXT]   error=N base=N
    fetch TOPIC PARTITION OFFSET          error=N hw=N bytes=N
    create TOPIC                          error=N
    metadata TOPIC                        error=N
    hold N [FILE]                         opens N connections, says how many answer
                                          ApiVersions within a second, keeps them until
                                          stdin ends
    trickle MS                            a byte of a request each MS until closed; then
                                          closed after=MS
    pipeline N                            N ApiVersions requests in one write; answers=N

KIND: plain, crc (wrong), magic0, magic9, cut (shorter than it says), count (says more
records than there are), codec7, offset5 (base offset not 0), control, bomb:MB (gzip that
inflates to so many), rubbish.
"""
import select
import socket
import struct
import sys
import time
import zlib

TABLE = []
for n in range(256):
    for _ in range(8):
        n = n >> 1 ^ 0x82F63B78 if n & 1 else n >> 1
    TABLE.append(n)


def crc32c(data):
    c = 0xFFFFFFFF
    for b in data:
        c = TABLE[(c ^ b) & 0xFF] ^ c >> 8
    return c ^ 0xFFFFFFFF


def varint(n):
    n = n << 1 ^ n >> 63
    out = b''
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def string(s):
    return struct.pack('>h', len(s)) + s.encode()


def record_head(value_len):
    body = b'\0' + varint(0) + varint(0) + varint(-1) + varint(value_len)
    return varint(len(body) + value_len + 1) + body


def zeros_gzip(megabytes):
    """A record of so many MB of zeros, as gzip."""
    z = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(1 << 20)
    out = [z.compress(record_head(megabytes << 20))]
    out += [z.compress(block) for _ in range(megabytes)]
    return b''.join(out) + z.compress(b'\0') + z.flush()


def batch(kind, text):
    value = text.encode()
    records = record_head(len(value)) + value + b'\0'
    attributes, magic, count, base = 0, 2, 1, 0
    if kind.startswith('bomb:'):
        records, attributes = zeros_gzip(int(kind[5:])), 1
    if kind == 'codec7':
        attributes = 7
    if kind == 'control':
        attributes = 0x20
    if kind == 'count':
        count = 3
    if kind == 'offset5':
        base = 5
    if kind == 'magic9':
        magic = 9
    if kind == 'rubbish':
        return bytes(range(256))
    if kind == 'magic0':
        body = b'\0\0' + struct.pack('>ii', -1, len(value)) + value
        return struct.pack('>qiI', 0, len(body) + 4, zlib.crc32(body)) + body
    now = int(time.time() * 1000)
    tail = struct.pack('>hiqqqhii', attributes, count - 1, now, now, -1, -1, -1, count) + records
    crc = crc32c(tail) ^ (kind == 'crc')
    out = struct.pack('>qiibI', base, len(tail) + 9, -1, magic, crc) + tail
    return out[:-4] if kind == 'cut' else out


class Broker:
    def __init__(self, address):
        host, port = address.rsplit(':', 1)
        self.s = socket.create_connection((host, int(port)), 30)

    def read(self, n):
        out = b''
        while len(out) < n:
            more = self.s.recv(n - len(out))
            if not more:
                raise ConnectionError('closed')
            out += more
        return out

    def answer(self):
        size = struct.unpack('>i', self.read(4))[0]
        return self.read(size)[4:]

    def ask(self, api, version, body):
        self.send(api, version, body)
        return self.answer()

    def send(self, api, version, body):
        head = struct.pack('>hhi', api, version, 1) + string('raw')
        self.s.sendall(struct.pack('>i', len(head) + len(body)) + head + body)


def produce(b, topic, partition, kind, text='text'):
    data = batch(kind, text)
    body = struct.pack('>hhii', -1, -1, 10000, 1) + string(topic)
    body += struct.pack('>iii', 1, int(partition), len(data)) + data
    a = b.ask(0, 3, body)
    at = 4 + 2 + len(topic) + 4 + 4
    print('error=%d base=%d' % struct.unpack_from('>hq', a, at))


def fetch(b, topic, partition, offset):
    body = struct.pack('>iiiibi', -1, 100, 1, 1 << 20, 0, 1) + string(topic)
    body += struct.pack('>iiqi', 1, int(partition), int(offset), 1 << 20)
    a = b.ask(1, 4, body)
    at = 4 + 4 + 2 + len(topic) + 4 + 4
    error, hw = struct.unpack_from('>hq', a, at)
    aborted = struct.unpack_from('>i', a, at + 18)[0]
    size = struct.unpack_from('>i', a, at + 22 + max(aborted, 0) * 16)[0]
    print('error=%d hw=%d bytes=%d' % (error, hw, size))


def create(b, topic):
    body = struct.pack('>i', 1) + string(topic) + struct.pack('>ihiiib', 1, 1, 0, 0, 10000, 0)
    a = b.ask(19, 2, body)
    print('error=%d' % struct.unpack_from('>h', a, 4 + 4 + 2 + len(topic)))


def metadata(b, topic):
    a = b.ask(3, 4, struct.pack('>i', 1) + string(topic) + b'\1')
    # throttle, brokers of id, host, port, null rack; cluster id; controller; topics
    at = 4
    n, at = struct.unpack_from('>i', a, at)[0], at + 4
    for _ in range(n):
        at += 4
        at += 2 + struct.unpack_from('>h', a, at)[0] + 4
        at += 2 + max(struct.unpack_from('>h', a, at)[0], 0)
    at += 2 + max(struct.unpack_from('>h', a, at)[0], 0) + 4 + 4
    print('error=%d' % struct.unpack_from('>h', a, at))


API_VERSIONS = struct.pack('>ihhih', 10, 18, 0, 1, -1)


def hold(address, n, name=None):
    host, port = address.rsplit(':', 1)
    conns = []
    for _ in range(int(n)):
        c = socket.create_connection((host, int(port)), 30)
        try:
            c.sendall(API_VERSIONS)
        except OSError:
            pass
        conns.append(c)
    end, answered, open_ = time.time() + 1, 0, set(conns)
    while open_ and time.time() < end:
        for c in select.select(list(open_), [], [], 0.1)[0]:
            open_.discard(c)
            try:
                answered += bool(c.recv(1 << 16))
            except OSError:
                pass
    line = 'answered=%d of=%d\n' % (answered, len(conns))
    sys.stdout.write(line)
    sys.stdout.flush()
    if name:
        with open(name, 'w') as f:
            f.write(line)
    sys.stdin.read()


def trickle(b, ms):
    start = time.time()
    head = struct.pack('>i', 4000) + bytes(4000)
    try:
        for i in range(4004):
            b.s.sendall(head[i:i + 1])
            if select.select([b.s], [], [], int(ms) / 1000)[0] and not b.s.recv(1):
                break
    except OSError:
        pass
    print('closed after=%d' % ((time.time() - start) * 1000))


def pipeline(b, n):
    b.s.sendall(API_VERSIONS * int(n))
    got = 0
    for _ in range(int(n)):
        b.answer()
        got += 1
    print('answers=%d' % got)


def main():
    address, command, *args = sys.argv[1:]
    if command == 'hold':
        return hold(address, *args)
    try:
        globals()[command](Broker(address), *args)
    except ConnectionError as e:
        print('closed')
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
