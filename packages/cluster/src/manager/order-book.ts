/**
 * Which nodes are to be drained, as this manager was told. An order stands until the run that it is for has gone, or another one
 * replaces it. One to keep the clients also makes room for others, the oldest first.
 */
import { ImError } from '@im/protocol';
import type { NodeInfo, Topology } from '@im/protocol/ports';
import { takesClients } from '../balancer/choose-gateways.js';
import { type DrainOrder, MAX_ORDERS, MAX_WINDOW_MS } from '../drain-order.js';

export interface DrainRequest {
  /** Id of a gateway. */
  readonly node: string;
  readonly windowMs: number;
  /** Default false: it ends for good. */
  readonly restart?: boolean;
  /** Also when no other gateway takes its clients. Default false. */
  readonly anyway?: boolean;
}

export class OrderBook {
  /** By id of the node. */
  readonly #orders = new Map<string, DrainOrder>();
  readonly #newId: () => string;

  constructor(newId: () => string) {
    this.#newId = newId;
  }

  /** @throws ImError INVALID_ARGUMENT */
  drain({ node: id, windowMs, restart = false, anyway = false }: DrainRequest, { nodes }: Topology): DrainOrder {
    if (!(Number.isSafeInteger(windowMs) && windowMs >= 0 && windowMs <= MAX_WINDOW_MS))
      throw refusal(`the window is a whole number of milliseconds from 0 to ${MAX_WINDOW_MS}`);
    const node = gatewayOf(id, nodes);
    const others = nodes.filter((other) => other.id !== id && takesClients(other));
    if (others.length === 0 && !anyway)
      throw refusal(
        `${id} is the last gateway that takes clients: they would have nowhere to go. Start another one first`,
      );
    return this.#put(node, { windowMs, restart });
  }

  /** @throws ImError INVALID_ARGUMENT */
  keep(id: string, { nodes }: Topology): DrainOrder {
    return this.#put(gatewayOf(id, nodes), { restart: false });
  }

  /** The run that it had has gone, or another one is there. */
  forget(id: string): void {
    this.#orders.delete(id);
  }

  list(): readonly DrainOrder[] {
    return [...this.#orders.values()];
  }

  #put({ id, incarnation }: NodeInfo, wish: Pick<DrainOrder, 'windowMs' | 'restart'>): DrainOrder {
    if (this.#orders.size >= MAX_ORDERS && !this.#orders.has(id)) this.#makeRoom();
    const order = { order: this.#newId(), id, incarnation, ...wish };
    // The latest is the last.
    this.#orders.delete(id);
    this.#orders.set(id, order);
    return order;
  }

  /** To keep clients is done once it was heard, and the oldest of these was heard first. */
  #makeRoom(): void {
    const kept = this.list().find(({ windowMs }) => windowMs === undefined);
    if (kept === undefined) throw refusal(`${MAX_ORDERS} nodes are under orders: wait until they are done`);
    this.forget(kept.id);
  }
}

/** @throws ImError INVALID_ARGUMENT */
function gatewayOf(id: string, nodes: readonly NodeInfo[]): NodeInfo {
  const node = nodes.find((one) => one.id === id);
  if (node?.role === 'gateway') return node;
  throw refusal(node === undefined ? `no node is called ${id}` : `${id} is no gateway but a ${node.role}`);
}

function refusal(message: string): ImError {
  return new ImError('INVALID_ARGUMENT', { message });
}
