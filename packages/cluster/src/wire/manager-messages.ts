/** What managers publish: one JSON object a message. */
import type { Topology } from '@im/protocol/ports';
import { type DrainOrder, MAX_ORDERS, MAX_WINDOW_MS } from '../drain-order.js';
import { MAX_EPOCH } from '../heartbeat.js';
import type { Refusal } from '../manager/node-table.js';
import { asFields, decode, type Fields, readBoolean, readInteger, readList, readName, Unfit } from './fields.js';
import { MAX_HEARTBEAT_BYTES, MAX_INTERVAL_MS, MIN_INTERVAL_MS } from './member-messages.js';
import { readNodeInfo } from './node-info-fields.js';

interface FromManager {
  readonly manager: string;
  /** Which run of it. */
  readonly incarnation: string;
  /** Of its beats. */
  readonly intervalMs: number;
}

/** All nodes, on each change and to who comes late. */
export interface Published extends FromManager {
  readonly kind: 'topology';
  readonly topology: Topology;
}

/** The manager speaks, and its topology is still this one. */
export interface Beat extends FromManager {
  readonly kind: 'beat';
  /** Undefined while it warms up. */
  readonly epoch?: number;
  readonly refused: readonly Refusal[];
  /** Said again with each beat, for as long as they stand. */
  readonly orders: readonly DrainOrder[];
}

/** Nodes of one cluster. */
export const MAX_NODES = 1_024;
/** A node in a topology is never larger than its heartbeat. */
export const MAX_TOPOLOGY_BYTES = MAX_NODES * MAX_HEARTBEAT_BYTES;
/** Refused nodes that one beat tells of. */
export const MAX_REFUSALS = 16;

export function encodeManagerMessage(message: Published | Beat): Buffer {
  return Buffer.from(JSON.stringify(message));
}

/** @returns undefined for what is not ours */
export function decodeManagerMessage(bytes: Uint8Array): Published | Beat | undefined {
  return bytes.length > MAX_TOPOLOGY_BYTES ? undefined : decode(bytes, readManagerMessage);
}

function readManagerMessage(message: Fields): Published | Beat {
  const from = {
    manager: readName(message.manager),
    incarnation: readName(message.incarnation),
    intervalMs: readInteger(message.intervalMs, MIN_INTERVAL_MS, MAX_INTERVAL_MS),
  };
  switch (message.kind) {
    case 'topology': {
      const { epoch, nodes } = asFields(message.topology);
      return {
        ...from,
        kind: 'topology',
        topology: { epoch: readEpoch(epoch), nodes: readList(nodes, MAX_NODES).map(readNodeInfo) },
      };
    }
    case 'beat':
      return {
        ...from,
        kind: 'beat',
        ...(message.epoch !== undefined && { epoch: readEpoch(message.epoch) }),
        refused: readList(message.refused, MAX_REFUSALS).map(readRefusal),
        // Managers of the first version give none.
        orders: readList(message.orders ?? [], MAX_ORDERS).map(readOrder),
      };
    default:
      throw new Unfit();
  }
}

const readEpoch = (value: unknown): number => readInteger(value, 0, MAX_EPOCH * 2);

function readRefusal(value: unknown): Refusal {
  const { id, incarnation, reason } = asFields(value);
  if (reason !== 'duplicate' && reason !== 'full') throw new Unfit();
  return { id: readName(id), incarnation: readName(incarnation), reason };
}

function readOrder(value: unknown): DrainOrder {
  const { order, id, incarnation, windowMs, restart } = asFields(value);
  return {
    order: readName(order),
    id: readName(id),
    incarnation: readName(incarnation),
    ...(windowMs !== undefined && { windowMs: readInteger(windowMs, 0, MAX_WINDOW_MS) }),
    restart: readBoolean(restart),
  };
}
