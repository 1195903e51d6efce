"""docs/LEDGER.md sections 8 and 9: signed notes, keys, checkpoints, cosignatures."""
from dataclasses import dataclass

from . import ed25519
from .encoding import Broken, base64_of, decimal, sha256, u64be, unbase64

ED25519, COSIGNATURE = 1, 4


@dataclass(frozen=True)
class Key:
    """What a vkey says."""

    name: str
    key_id: bytes
    kind: int
    public: bytes

    @staticmethod
    def of(name, kind, public):
        return Key(name, sha256(name.encode(), b"\n", bytes([kind]), public)[:4], kind, public)

    @staticmethod
    def parse(vkey):
        parts = vkey.strip().split("+", 2)
        if len(parts) != 3 or not is_name(parts[0]):
            raise Broken(f"{vkey!r} is no verifier key")
        raw = unbase64(parts[2], "the verifier key")
        if len(raw) != 33 or raw[0] not in (ED25519, COSIGNATURE):
            raise Broken(f"{parts[0]}: the key is of a kind that is not known here")
        if not ed25519.is_key(raw[1:]):
            raise Broken(f"{parts[0]}: this is no Ed25519 public key, or one with which anybody can sign")
        key = Key.of(parts[0], raw[0], raw[1:])
        if key.key_id.hex() != parts[1]:
            raise Broken(f"{parts[0]}: the key's id is {key.key_id.hex()}, not {parts[1]}")
        return key

    def vkey(self):
        return f"{self.name}+{self.key_id.hex()}+{base64_of(bytes([self.kind]) + self.public)}"

    def verifies(self, text, signature):
        """Whether the bytes behind the key id are this key's signature of a note's text."""
        if self.kind == ED25519:
            return ed25519.verify(self.public, signature, text.encode())
        if len(signature) != 72:
            return False
        time, signature = int.from_bytes(signature[:8], "big"), signature[8:]
        return time < 2**63 and ed25519.verify(self.public, signature, cosigned(time, text))


def cosigned(time, text):
    """What a witness signs (C2SP tlog-cosignature)."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def is_name(name):
    controls = any(character < " " or "\x7f" <= character <= "\x9f" for character in name)
    return bool(name) and "+" not in name and not controls and not any(character.isspace() for character in name)


@dataclass(frozen=True)
class Note:
    text: str
    # (name, key id, the bytes behind it) of each line.
    signatures: list

    @staticmethod
    def parse(raw):
        try:
            note = raw.decode() if isinstance(raw, bytes) else raw
        except UnicodeDecodeError:
            raise Broken("the note is not UTF-8") from None
        if any(character < " " and character != "\n" for character in note):
            raise Broken("the note has a control character in it")
        text, blank, lines = note.rpartition("\n\n")
        if not blank or not lines.endswith("\n"):
            raise Broken("the note has no signatures, or ends in the middle of a line")
        signatures = [Note.signature(line) for line in lines[:-1].split("\n")]
        return Note(text + "\n", signatures)

    @staticmethod
    def signature(line):
        dash, name, encoded = (line.split(" ", 2) + ["", ""])[:3]
        if dash != "—" or not is_name(name):
            raise Broken("a signature line of the note is not in its form")
        raw = unbase64(encoded, f"the signature of {name}")
        if len(raw) < 5:
            raise Broken(f"the signature of {name} is too short")
        return name, raw[:4], raw[4:]

    def signers(self, keys):
        """Those of the keys that have signed. A signature that claims to be of one of them, and is not, is refused."""
        found = set()
        for name, key_id, signature in self.signatures:
            for key in keys:
                if (key.name, key.key_id) == (name, key_id):
                    if not key.verifies(self.text, signature):
                        raise Broken(f"the signature of {name} (key {key_id.hex()}) is wrong")
                    found.add(key)
        return found


@dataclass(frozen=True)
class Checkpoint:
    origin: str
    size: int
    root: bytes

    @staticmethod
    def parse(text):
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] or not is_name(lines[0]):
            raise Broken("a checkpoint has three lines: origin, size, root")
        root = unbase64(lines[2], "the checkpoint's root", 32)
        checkpoint = Checkpoint(lines[0], decimal(lines[1], "the checkpoint's size"), root)
        if checkpoint.size == 0 and root != sha256():
            raise Broken("the root of the empty tree is wrong")
        return checkpoint

    def text(self):
        return f"{self.origin}\n{self.size}\n{base64_of(self.root)}\n"


@dataclass(frozen=True)
class Trust:
    """What a verifier takes for granted: keys of the log, its range keys, witnesses and how many must have signed."""

    keys: tuple = ()
    range_keys: tuple = ()
    witnesses: tuple = ()
    quorum: int = 0

    def checkpoint(self, raw, origin=None):
        """A signed checkpoint, after all checks that need nothing but it."""
        note = Note.parse(raw)
        checkpoint = Checkpoint.parse(note.text)
        if origin is not None and checkpoint.origin != origin:
            raise Broken(f"the checkpoint is of the log {checkpoint.origin}, not {origin}")
        keys = [key for key in self.keys if key.kind == ED25519 and key.name == checkpoint.origin]
        if not note.signers(keys):
            raise Broken(f"the checkpoint of {checkpoint.origin} is signed by none of the keys that are trusted for it")
        witnesses = {key.public for key in note.signers([key for key in self.witnesses if key.kind == COSIGNATURE])}
        if len(witnesses) < self.quorum:
            raise Broken(f"{len(witnesses)} of the witnesses have signed the checkpoint, not {self.quorum}")
        return checkpoint

    def statement(self, raw, origin, expected):
        """The statement of a range bundle: this very text, signed by a range key of the log."""
        note = Note.parse(raw)
        if note.text != expected:
            raise Broken("the statement says other things than the bundle")
        if not note.signers([key for key in self.range_keys if key.kind == ED25519 and key.name == f"{origin}/range"]):
            raise Broken("the statement is signed by none of the range keys that are trusted")


def sign(private, key, text, time=None):
    """A signature line, for the golden vectors."""
    if key.kind == ED25519:
        signature = private.sign(text.encode())
    else:
        signature = u64be(time) + private.sign(cosigned(time, text))
    return f"— {key.name} {base64_of(key.key_id + signature)}\n"
