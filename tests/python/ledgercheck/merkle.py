"""docs/LEDGER.md section 6: the tree of RFC 6962, its proofs, and the hashes of parts of it."""
from .encoding import Broken, sha256


def leaf_hash(entry):
    return sha256(b"\0", entry)


def node_hash(left, right):
    return sha256(b"\1", left, right)


def split(size):
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def root_from_inclusion(leaf, index, size, proof):
    """RFC 6962 section 2.1.1, from the top down: the root that this proof leads to."""
    if not 0 <= index < size:
        raise Broken(f"index {index} is not in a tree of size {size}")
    if size == 1:
        if proof:
            raise Broken("the inclusion proof is too long")
        return leaf
    if not proof:
        raise Broken("the inclusion proof is too short")
    k, (*rest, sibling) = split(size), proof
    if index < k:
        return node_hash(root_from_inclusion(leaf, index, k, rest), sibling)
    return node_hash(sibling, root_from_inclusion(leaf, index - k, size - k, rest))


def check_inclusion(leaf, index, size, proof, root):
    if root_from_inclusion(leaf, index, size, proof) != root:
        raise Broken("the inclusion proof does not lead to the root")


def check_consistency(old_size, old_root, new_size, new_root, proof):
    """RFC 6962 section 2.1.2: the new tree starts with all of the old one."""
    if old_size > new_size:
        raise Broken(f"a tree of size {new_size} cannot extend one of size {old_size}")
    if old_size == new_size or old_size == 0:
        if proof:
            raise Broken("the consistency proof should be empty")
        if old_size == 0 and old_root != sha256():
            raise Broken("the root of the empty tree is wrong")
        if old_size == new_size and old_root != new_root:
            raise Broken(f"two roots for the size {old_size}: the log shows two histories")
        return
    rest = list(proof)
    found = subproof(old_size, new_size, rest, True, old_root)
    if rest:
        raise Broken("the consistency proof is too long")
    if found != (old_root, new_root):
        raise Broken(f"the tree of size {new_size} does not extend the one of size {old_size}")


def subproof(m, n, proof, whole, old_root):
    """RFC 6962's SUBPROOF(m, D[n], b) read backwards: the roots of D[0:m] and of D[n]. Eats the proof from its end."""
    def take():
        if not proof:
            raise Broken("the consistency proof is too short")
        return proof.pop()

    if m == n:
        # The prover left the hash out where the old tree as a whole is a subtree of the new one.
        found = old_root if whole else take()
        return found, found
    k = split(n)
    if m <= k:
        right = take()
        old, new = subproof(m, k, proof, whole, old_root)
        return old, node_hash(new, right)
    left = take()
    old, new = subproof(m - k, n - k, proof, False, old_root)
    return node_hash(left, old), node_hash(left, new)


def decompose(begin, end):
    """The largest complete, aligned subtrees that cover [begin, end), from left to right: (level, first leaf)."""
    parts = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        if begin:
            level = min(level, (begin & -begin).bit_length() - 1)
        parts.append((level, begin))
        begin += 1 << level
    return parts


class CompactRange:
    """The tree of [0, size), as the hashes of decompose(0, size). It grows at its right end."""

    def __init__(self):
        self.size = 0
        self.parts = []

    def push(self, level, found):
        """Adds a complete subtree of 2^level leaves, which must be aligned."""
        if self.size % (1 << level):
            raise Broken("a subtree is not where it can be")
        self.size += 1 << level
        while self.parts and self.parts[-1][0] == level:
            found = node_hash(self.parts.pop()[1], found)
            level += 1
        self.parts.append((level, found))

    def root(self):
        if not self.parts:
            return sha256()
        *rest, (_, found) = self.parts
        for _, left in reversed(rest):
            found = node_hash(left, found)
        return found


def root_of(leaves):
    tree = CompactRange()
    for leaf in leaves:
        tree.push(0, leaf)
    return tree.root()
