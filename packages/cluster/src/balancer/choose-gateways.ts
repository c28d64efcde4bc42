/**
 * Which gateways a client tries, in order: the power of two choices (Mitzenmacher 2001) over weights. Of two drawn by
 * weight the less loaded one goes first, so that not all clients of a second run to the one that is idle now. Pure.
 */
import type { NodeInfo, Random, Topology } from '@im/protocol/ports';

export interface ChoiceOptions {
  readonly random: Random;
  /** Most that are chosen. */
  readonly count: number;
  /** Those with these labels come first, such as `region`; the others follow. */
  readonly prefer?: Readonly<Record<string, string>>;
}

/** The name under which a gateway tells where clients connect. */
export const CLIENT_ADDRESS = 'ws';

/** @returns addresses, no two of one gateway; fewer than asked for when there are fewer, none when there is none */
export function chooseGateways(topology: Topology, { random, count, prefer = {} }: ChoiceOptions): string[] {
  const labels = Object.entries(prefer);
  const isPreferred = ({ labels: own }: NodeInfo): boolean => labels.every(([name, value]) => own[name] === value);
  const candidates = topology.nodes.filter(takesClients);
  const near = candidates.filter(isPreferred);
  const far = labels.length === 0 ? [] : candidates.filter((node) => !isPreferred(node));
  return [...draw(near, count, random), ...draw(far, count, random)]
    .slice(0, count)
    .map(({ addresses }) => addresses[CLIENT_ADDRESS] as string);
}

/** Whether clients are sent there. */
export function takesClients({ role, draining, weight, addresses }: NodeInfo): boolean {
  return role === 'gateway' && !draining && weight > 0 && addresses[CLIENT_ADDRESS] !== undefined;
}

function draw(nodes: NodeInfo[], count: number, random: Random): NodeInfo[] {
  const drawn: NodeInfo[] = [];
  // Who is full comes after everybody who is not.
  for (const left of [nodes.filter(({ load }) => load < 1), nodes.filter(({ load }) => load >= 1)]) {
    while (drawn.length < count && left.length > 0) {
      const one = drawOne(left, random);
      const others = left.filter((node) => node !== one);
      const other = others.length === 0 ? one : drawOne(others, random);
      const better = other.load < one.load ? other : one;
      left.splice(left.indexOf(better), 1);
      drawn.push(better);
    }
  }
  return drawn;
}

/** By weight. @param nodes not empty */
function drawOne(nodes: readonly NodeInfo[], random: Random): NodeInfo {
  let total = 0;
  for (const { weight } of nodes) total += weight;
  let point = random() * total;
  for (const node of nodes) {
    point -= node.weight;
    if (point < 0) return node;
  }
  return nodes[nodes.length - 1] as NodeInfo;
}
