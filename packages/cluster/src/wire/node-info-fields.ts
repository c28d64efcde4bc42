/** A node, as it stands in heartbeats and topologies. */
import type { NodeInfo } from '@im/protocol/ports';
import { asFields, readBoolean, readInteger, readName, readNumber, readRecord, readText } from './fields.js';

const MAX_WEIGHT = 1_000_000;
const MAX_LOAD = 1_000_000;

/** Makes a new object: what else was in it is gone. @throws Unfit */
export function readNodeInfo(value: unknown): NodeInfo {
  const node = asFields(value);
  return {
    id: readName(node.id),
    incarnation: readName(node.incarnation),
    role: readName(node.role),
    version: readText(node.version),
    addresses: readRecord(node.addresses, readText),
    labels: readRecord(node.labels, readText),
    weight: readNumber(node.weight, 0, MAX_WEIGHT),
    load: readNumber(node.load, 0, MAX_LOAD),
    draining: readBoolean(node.draining),
    startedAt: readInteger(node.startedAt, 0, Number.MAX_SAFE_INTEGER),
  };
}
