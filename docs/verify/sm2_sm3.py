"""SM3 (GB/T 32905) and the verification of SM2 signatures (GB/T 32918.2, curve of GB/T 32918.5), for verify_audit.py.

Standard library only, written from the standards. It is slow, and good for verifying alone: nothing secret may pass here.
"""
import hashlib, struct

# --- SM3 --------------------------------------------------------------------------------------------------------

IV = (0x7380166F, 0x4914B2B9, 0x172442D7, 0xDA8A0600, 0xA96F30BC, 0x163138AA, 0xE38DEE4D, 0xB0FB0E4E)
WORD = 0xFFFFFFFF

def rotated(x, n):
    return (x << n | x >> (32 - n)) & WORD

ROUND_CONSTANTS = [rotated(0x79CC4519 if j < 16 else 0x7A879D8A, j % 32) for j in range(64)]

def compressed(state, block):
    w = list(struct.unpack(">16I", block))
    for j in range(16, 68):
        x = w[j - 16] ^ w[j - 9] ^ rotated(w[j - 3], 15)
        w.append(x ^ rotated(x, 15) ^ rotated(x, 23) ^ rotated(w[j - 13], 7) ^ w[j - 6])
    a, b, c, d, e, f, g, h = state
    for j in range(64):
        a12 = rotated(a, 12)
        ss1 = rotated((a12 + e + ROUND_CONSTANTS[j]) & WORD, 7)
        ff = a ^ b ^ c if j < 16 else (a & b) | (a & c) | (b & c)
        gg = e ^ f ^ g if j < 16 else (e & f) | (~e & WORD & g)
        tt1 = (ff + d + (ss1 ^ a12) + (w[j] ^ w[j + 4])) & WORD
        tt2 = (gg + h + ss1 + w[j]) & WORD
        a, b, c, d, e, f, g, h = tt1, a, rotated(b, 9), c, tt2 ^ rotated(tt2, 9) ^ rotated(tt2, 17), e, rotated(f, 19), g
    return tuple(x ^ y for x, y in zip(state, (a, b, c, d, e, f, g, h)))

def plain_sm3(*parts):
    data = b"".join(parts)
    padded = data + b"\x80" + bytes(-(len(data) + 9) % 64) + struct.pack(">Q", 8 * len(data))
    state = IV
    for at in range(0, len(padded), 64):
        state = compressed(state, padded[at : at + 64])
    return struct.pack(">8I", *state)

def fast_sm3(*parts):
    return hashlib.new("sm3", b"".join(parts)).digest()

# The SM3 of the OpenSSL behind Python is a hundred times faster, where there is one.
sm3 = fast_sm3 if "sm3" in hashlib.algorithms_available else plain_sm3

# --- SM2 --------------------------------------------------------------------------------------------------------

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G = (0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
     0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0)
USER_ID = b"1234567812345678"

def octets(number):
    return number.to_bytes(32, "big")

def add(p, q):
    """The sum of two points; None is the point at infinity."""
    if p is None or q is None:
        return p or q
    if p[0] == q[0]:
        if (p[1] + q[1]) % P == 0:
            return None
        slope = (3 * p[0] * p[0] + A) * pow(2 * p[1], -1, P) % P
    else:
        slope = (q[1] - p[1]) * pow(q[0] - p[0], -1, P) % P
    x = (slope * slope - p[0] - q[0]) % P
    return x, (slope * (p[0] - x) - p[1]) % P

def multiply(scalar, point):
    result = None
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point, scalar = add(point, point), scalar >> 1
    return result

def decode_public_key(data):
    """The point of 65 bytes, 04 and both coordinates; None when it is not one."""
    x, y = int.from_bytes(data[1:33], "big"), int.from_bytes(data[33:], "big")
    on_curve = len(data) == 65 and data[0] == 4 and x < P and y < P and (y * y - x * x * x - A * x - B) % P == 0
    return (x, y) if on_curve else None

def sm2_digest(public_key, message, user_id=USER_ID):
    """e: the SM3 over ZA and the message (GB/T 32918.2, section 5.5 and 6.1)."""
    curve = b"".join(map(octets, (A, B, *G)))
    za = sm3(struct.pack(">H", 8 * len(user_id)), user_id, curve, public_key[1:])
    return int.from_bytes(sm3(za, message), "big")

def sm2_verifies(public_key, message, signature, user_id=USER_ID):
    """Whether the signature, r and s in 32 bytes each, is of this key (GB/T 32918.2, section 7.1)."""
    point = decode_public_key(public_key)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if point is None or len(signature) != 64 or not 0 < r < N or not 0 < s < N or (r + s) % N == 0:
        return False
    found = add(multiply(s, G), multiply((r + s) % N, point))
    return found is not None and (sm2_digest(public_key, message, user_id) + found[0]) % N == r
