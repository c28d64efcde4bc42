/**
 * Where the clients of one gateway go, one after the other: the balancer's choice, with what was sent to each counted as load, since
 * thousands of choices fall between two heartbeats. Pure.
 */
import type { NodeInfo, Random, TopologySource } from '@im/protocol/ports';
import { CLIENT_ADDRESS, chooseGateways } from './choose-gateways.js';

export interface NextGatewaysOptions {
  readonly topology: Pick<TopologySource, 'current'>;
  /** Id of the node that they leave. */
  readonly from: string;
  /** How many of its clients there are: each weighs as much elsewhere as here. */
  readonly clients: number;
  readonly random: Random;
}

/** Even an idle gateway counts as this loaded: nobody sends all clients to one because loads are too small to tell. */
const LEAST_LOAD = 0.1;

/** @returns a function that names one more address; undefined while no other gateway takes clients */
export function nextGateways({ topology, from, clients, random }: NextGatewaysOptions): () => string | undefined {
  let { current } = topology;
  const own = current.nodes.find(({ id }) => id === from);
  const weight = Math.max(LEAST_LOAD, own?.load ?? 0) / Math.max(1, clients);
  const prefer = own?.labels ?? {};
  /** By address. */
  const sent = new Map<string, number>();
  let others = othersOf(current.nodes, from, sent);
  return () => {
    if (topology.current !== current) {
      current = topology.current;
      others = othersOf(current.nodes, from, sent);
    }
    const [address] = chooseGateways({ epoch: current.epoch, nodes: others }, { random, count: 1, prefer });
    if (address === undefined) return undefined;
    sent.set(address, (sent.get(address) ?? 0) + weight);
    const chosen = others.find(({ addresses }) => addresses[CLIENT_ADDRESS] === address);
    if (chosen !== undefined) chosen.load += weight;
    return address;
  };
}

/** With what was sent to them meanwhile. */
function othersOf(nodes: readonly NodeInfo[], from: string, sent: ReadonlyMap<string, number>) {
  return nodes
    .filter(({ id }) => id !== from)
    .map((node) => ({ ...node, load: node.load + (sent.get(node.addresses[CLIENT_ADDRESS] ?? '') ?? 0) }));
}
