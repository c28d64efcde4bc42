/**
 * Rendezvous hashing (Thaler & Ravishankar, 1998): every key ranks all candidates, the first one has it. When a
 * candidate leaves, only its keys move; when one comes, it takes its share and no other key moves.
 */

/** The candidate that has the key; undefined when there is none. */
export function pickByKey<T extends { readonly id: string }>(key: string, candidates: Iterable<T>): T | undefined {
  const seed = fnv1a(0x811c9dc5, key);
  let best: T | undefined;
  let bestRank = -1;
  for (const candidate of candidates) {
    const rank = mix(fnv1a(seed, candidate.id));
    if (rank > bestRank) {
      best = candidate;
      bestRank = rank;
    }
  }
  return best;
}

/** Where a key stands in [0, 1): the same key always at the same point. */
export function pointOf(key: string): number {
  return mix(fnv1a(0x811c9dc5, key)) / 0x1_0000_0000;
}

function fnv1a(start: number, text: string): number {
  let hash = start;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

/** Finalizer of MurmurHash3: without it, ids that differ in their last character alone would rank alike. */
function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
