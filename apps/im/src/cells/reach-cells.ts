/** Owns: publishing, subscribing, logs and records in all cells, over the bridges to this one. */
import type { Broadcast } from '@im/broadcast';
import type { LogReader, RecordStore } from '@im/timeline';
import type { BusSurroundings, OpenBus } from '../bus/open-bus.js';
import { bridgedLog } from '../relay/relay-contract.js';
import { bridgedRecords } from '../relay/relay-record-contract.js';
import { createRelayedLogReader } from '../relay/relayed-log.js';
import { createRelayedRecords } from '../relay/relayed-records.js';
import { logsAtHome, recordsAtHome } from './at-home.js';
import { bridgeMetrics } from './bridge-metrics.js';
import type { CellPlace } from './cell-place.js';

const PATIENCE_MS = 3_000;

/**
 * Settles when bridges are in reach, or after a while all the same: then it says so in the log, and the rest goes on.
 * @param own of this cell @param cells undefined: there is one
 */
export async function reachCells(
  own: OpenBus,
  cells: CellPlace | undefined,
  { keys, caller, ports, shutdown }: Omit<BusSurroundings, 'place'>,
): Promise<OpenBus> {
  if (cells === undefined) return own;
  const [{ createCellBroadcast }, { createZeromqBridges }] = await Promise.all([
    import('@im/broadcast/bridge'),
    import('@im/broadcast/zeromq'),
  ]);
  const { cell, homes } = cells;
  const buses = new Map<string, Broadcast>([[cell, own.broadcast]]);
  const logs = new Map<string, LogReader>([[cell, own.log]]);
  const records = new Map<string, RecordStore>([[cell, own.records]]);
  const reaching = [...cells.bridges].map(async ([from, bridges]) => {
    // Bridges have the keys of brokers, as nodes do.
    const pool = createZeromqBridges({
      bridges,
      ...(keys !== undefined && { keys: { ...keys, nodeKey: keys.brokerKey } }),
      ...ports,
      metrics: bridgeMetrics(ports.metrics, from),
    });
    shutdown.add({ name: `bridges from ${from}`, stop: () => pool.close() });
    buses.set(from, pool);
    logs.set(from, createRelayedLogReader(caller, bridgedLog(from)));
    records.set(from, createRelayedRecords(caller, bridgedRecords(from)));
    await pool.ready(PATIENCE_MS).catch(() => {
      const names = bridges.map(({ id }) => id);
      const message = 'no bridge is in reach yet: do they run, do they reach their cell, do the keys fit?';
      ports.logger.warn(message, { cell: from, bridges: names });
    });
  });
  await Promise.all(reaching);
  return {
    broadcast: createCellBroadcast({ homes, cells: buses }),
    log: logsAtHome(homes, logs),
    records: recordsAtHome(homes, records),
  };
}
