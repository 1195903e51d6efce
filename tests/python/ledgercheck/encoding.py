"""docs/LEDGER.md section 1: hashes, canonical JSON, Base64, and texts that have one form only."""
import base64
import binascii
import hashlib
import json
import re
from json.encoder import encode_basestring as quoted


class Broken(Exception):
    """What was checked is not genuine, or not whole. The message says what is wrong, and where."""


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def u64be(number):
    return number.to_bytes(8, "big")


def number(value):
    """A number as ECMAScript writes it (RFC 8785 section 3.2.2.3)."""
    if isinstance(value, int) and abs(value) < 2**53:
        return str(value)
    value = float(value)
    if value == int(value) and abs(value) < 2**53:
        return str(int(value))
    # The shortest digits that read back as the same double, which is what Python's repr has too; only the places of
    # the point and of the exponent differ.
    mantissa, _, exponent = repr(value).partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if 0 < point <= 21:
        return sign + digits[:point].ljust(point, "0") + ("." + digits[point:] if digits[point:] else "")
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    power = f"e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return sign + digits[0] + ("." + digits[1:] if digits[1:] else "") + power


def canonical(value):
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
    return "{" + ",".join(quoted(key) + ":" + canonical(value[key]) for key in keys) + "}"


def jcs(value):
    """RFC 8785, as bytes."""
    return canonical(value).encode()


def unique(pairs):
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice in its object")
    return value


def no_number(name):
    raise ValueError(f"{name} is no JSON")


def finite(digits):
    value = float(digits)
    return value if abs(value) != float("inf") else no_number(digits)


def parse(text, what):
    """JSON in which no key stands twice."""
    try:
        text = text.decode() if isinstance(text, bytes) else text
        return json.loads(text, object_pairs_hook=unique, parse_constant=no_number, parse_float=finite)
    except (ValueError, RecursionError) as error:
        raise Broken(f"{what} is not JSON: {error}") from None


def parse_canonical(text, what):
    """JSON that must be in the form of RFC 8785 to the byte."""
    value = parse(text, what)
    try:
        same = jcs(value) == text
    except UnicodeEncodeError:
        same = False
    if not same:
        raise Broken(f"{what} is not canonical JSON (RFC 8785)")
    return value


def members(value, names, what, optional=()):
    """The object must have these members and no others."""
    mapping(value, what)
    for name in names:
        if name not in value:
            raise Broken(f"{what} has no {name}")
    for name in value:
        if name not in names and name not in optional:
            raise Broken(f"{what} has a member {name!r} that is not known")
    return value


def mapping(value, what):
    if not isinstance(value, dict):
        raise Broken(f"{what} is no JSON object")
    return value


def whole(value, what, least=0):
    """A whole number; True is none."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < 2**53:
        raise Broken(f"{what} is not a whole number of at least {least}")
    return value


def text(value, what):
    if not isinstance(value, str):
        raise Broken(f"{what} is no text")
    return value


def unhex(value, what):
    """A hash as JSON has it: 64 lower-case hexadecimal digits."""
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value):
        raise Broken(f"{what} is not a hash in hexadecimal")
    return bytes.fromhex(value)


def unbase64(value, what, length=None):
    """RFC 4648 section 4, in its one form: padded, and no bits left over."""
    try:
        raw = base64.b64decode(text(value, what), validate=True)
    except (binascii.Error, ValueError):
        raise Broken(f"{what} is not Base64") from None
    if base64.b64encode(raw).decode() != value:
        raise Broken(f"{what} is not Base64 in its one form")
    if length is not None and len(raw) != length:
        raise Broken(f"{what} is {len(raw)} bytes long, not {length}")
    return raw


def base64_of(raw):
    return base64.b64encode(raw).decode()


def decimal(value, what):
    """A number in a text: ASCII digits without a zero in front."""
    if not re.fullmatch("0|[1-9][0-9]{0,15}", value):
        raise Broken(f"{what} is not a whole number")
    return int(value)
