"""The test vectors of particles' streams in docs/random-streams.md, from that page's words alone."""

MASK = 2**64 - 1
ROTATIONS = [(14, 16), (52, 57), (23, 40), (5, 37), (25, 33), (46, 12), (58, 22), (32, 32)]


def rotl(x, n):
    return ((x << n) | (x >> (64 - n))) & MASK


def seed_state(seed):
    words = []
    x = seed
    for _ in range(4):
        x = (x + 0x9E3779B97F4A7C15) & MASK
        z = x
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        words.append(z ^ (z >> 31))
    return words


def threefry(key, counter):
    parity = 0x1BD11BDAA9FC1A22
    for word in key:
        parity ^= word
    key = list(key) + [parity]
    x = [(c + k) & MASK for c, k in zip(counter, key)]
    for r in range(20):
        first, second = ROTATIONS[r % 8]
        pairs = ((0, 1), (2, 3)) if r % 2 == 0 else ((0, 3), (2, 1))
        for (a, b), rotation in zip(pairs, (first, second)):
            x[a] = (x[a] + x[b]) & MASK
            x[b] = rotl(x[b], rotation) ^ x[a]
        if r % 4 == 3:
            s = r // 4 + 1
            x = [(x[i] + key[(s + i) % 5]) & MASK for i in range(4)]
            x[3] = (x[3] + s) & MASK
    return x


def outputs(s, n):
    s = list(s)
    out = []
    for _ in range(n):
        out.append((rotl((s[0] + s[3]) & MASK, 23) + s[0]) & MASK)
        t = (s[1] << 17) & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotl(s[3], 45)
    return out


for row in [
    (0, 0, 0, 0, 0),
    (1, 1, 0, 0, 0),
    (1, 1, 0, 1, 0),
    (1, 1, MASK, 7, 1),
    (42, 3, 99, 1000, 2),
    (42, 2**63 - 1, 10**9, 12, 3),
    (MASK, 5, 6, 7, 4),
    (MASK, 5, 6, 7, 15),
]:
    seed, counter = row[0], row[1:]
    values = ", ".join("%016X" % x for x in outputs(threefry(seed_state(seed), counter), 4))
    print("| bits | %d | %d | %d | %d | %d | %s |" % (*row, values))
