"""Ed25519 (RFC 8032), with the choices of docs/LEDGER.md section 8: by the package `cryptography` where it is installed,
else by these few lines, which are slow and only fit to verify, since they handle no secret."""
import hashlib

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    Ed25519PublicKey = None

# The field, the order of the base point, and the curve's constant d (RFC 8032 section 5.1).
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
NEUTRAL = (0, 1, 1, 0)


def add(a, b):
    """Points are (X, Y, Z, T) with x = X/Z, y = Y/Z, x*y = T/Z (RFC 8032 section 5.1.4)."""
    m, n = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = n - m, d - c, d + c, n + m
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(factor, point):
    product = NEUTRAL
    while factor:
        if factor & 1:
            product = add(product, point)
        point = add(point, point)
        factor >>= 1
    return product


def same(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def decode(raw):
    """A point from its 32 bytes, or None (RFC 8032 section 5.1.3)."""
    y = int.from_bytes(raw, "little")
    odd, y = y >> 255, y & (1 << 255) - 1
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square or (x == 0 and odd):
        return None
    if x & 1 != odd:
        x = P - x
    return x, y, 1, x * y % P


BASE = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def is_key(public):
    """Whether these are the bytes of a point with which not just anybody can sign: it is not one of small order."""
    point = decode(public) if len(public) == 32 else None
    return point is not None and not same(multiply(8, point), NEUTRAL)


def verify_slowly(public, signature, message):
    a, r = decode(public), decode(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    return same(multiply(s, BASE), add(r, multiply(k, a)))


def verify(public, signature, message):
    """Whether these 64 bytes are the signature of the message by this key, of which is_key() holds."""
    if len(signature) != 64:
        return False
    if Ed25519PublicKey is None:
        genuine = verify_slowly(public, signature, message)
    else:
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
            genuine = True
        except (InvalidSignature, ValueError):
            genuine = False
    return genuine and is_key(signature[:32])
