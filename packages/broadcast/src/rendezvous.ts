/**
 * Which node a group belongs to (rendezvous hashing, Thaler and Ravishankar 1998): all who know the same nodes say the
 * same, and a node that goes moves its own groups only.
 */

const SEED = 0x811c9dc5;
const PRIME = 0x01000193;

/** @param nodes names, in any order; undefined when there is none */
export function rendezvousOwner(group: string, nodes: readonly string[]): string | undefined {
  const seed = hash(SEED, group);
  let owner: string | undefined;
  let most = -1;
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i] as string;
    const weight = mix(hash(seed, node));
    if (weight > most || (weight === most && owner !== undefined && node < owner)) {
      owner = node;
      most = weight;
    }
  }
  return owner;
}

/** FNV-1a over the low bytes of the characters: names are ASCII. */
function hash(seed: number, text: string): number {
  let value = seed;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ (text.charCodeAt(i) & 0xff), PRIME);
  return value;
}

/** FNV leaves names that differ in their last character alike in their high bits. */
function mix(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
