/** Owns: the commands that ask every broker for a list and show it: services, workers, stats. */
import type { BrokerStats, ServiceStatus, WorkerStatus } from '@im/rpc';
import { wantsColour } from '@im/runtime';
import { type Command, defineCommand } from '../../command.js';
import { ask, rpcToolSettings, withBrokers } from '../../rpc/rpc-tool.js';
import { alarm, type Column, durationText, formatTable } from '../../rpc/table.js';

type At<Row> = Row & { readonly broker: string };

interface Listing<Row> {
  readonly name: string;
  readonly summary: string;
  readonly columns: readonly Column<Row>[];
  readonly example: string;
}

function listing<Row>({ name, summary, columns, example }: Listing<Row>): Command {
  return defineCommand({
    name: `rpc ${name}`,
    summary,
    settings: rpcToolSettings,
    examples: [
      [`im rpc ${name}`, example],
      [`im rpc ${name} --broker tcp://10.0.0.5:7401 --keys /etc/im/keys --json`, 'of a broker elsewhere, for scripts'],
    ],
    async run(config, { print, variables }) {
      const rows = await withBrokers(config, async (brokers) => {
        const answers = brokers.map(async (broker): Promise<At<Row>[]> => {
          const answer = await ask<Row | readonly Row[]>(broker, name, config);
          return [answer].flat().map((row) => ({ broker: broker.name, ...(row as Row) }));
        });
        return (await Promise.all(answers)).flat();
      });
      if (config.json) {
        print(`${JSON.stringify(rows)}\n`);
        return;
      }
      const several = new Set(rows.map(({ broker }) => broker)).size > 1;
      const brokerColumn: Column<At<Row>> = { title: 'broker', value: ({ broker }) => broker };
      print(formatTable(several ? [...columns, brokerColumn] : columns, rows, wantsColour(process.stdout, variables)));
    },
  });
}

export const services = listing<ServiceStatus>({
  name: 'services',
  summary: 'which services there are, and how they do',
  example: 'versions, workers, calls that run, wait and failed',
  columns: [
    { title: 'service', value: ({ name }) => name },
    { title: 'versions', value: ({ versions }) => versions.join(' ') },
    { title: 'workers', value: ({ workers }) => (workers === 0 ? alarmText('0') : workers) },
    { title: 'running', value: ({ running }) => running },
    { title: 'queued', value: ({ queued }) => queued },
    { title: 'breaker', value: ({ breaker }) => (breaker === 'closed' ? breaker : alarmText(breaker)) },
    { title: 'calls', value: ({ calls }) => calls },
    { title: 'failed', value: ({ failed }) => alarm(failed) },
    { title: 'overloaded', value: ({ overloaded }) => alarm(overloaded) },
    { title: 'late', value: ({ late }) => late },
    { title: 'weights', value: ({ weights }) => weightsText(weights) },
  ],
});

export const workers = listing<WorkerStatus>({
  name: 'workers',
  summary: 'which workers serve what',
  example: 'who is there, since when, and how busy',
  columns: [
    { title: 'worker', value: ({ id }) => id },
    { title: 'service', value: ({ service }) => service },
    { title: 'version', value: ({ version }) => version },
    { title: 'state', value: ({ state }) => (state === 'serving' ? state : { text: state, colour: 'yellow' }) },
    { title: 'running', value: ({ running }) => running },
    { title: 'at once', value: ({ concurrency }) => concurrency },
    { title: 'up', value: ({ upMs }) => durationText(upMs) },
  ],
});

export const stats = listing<BrokerStats>({
  name: 'stats',
  summary: 'sums over all services',
  example: 'calls since the broker began',
  columns: [
    { title: 'up', value: ({ upMs }) => durationText(upMs) },
    { title: 'services', value: ({ services }) => services },
    { title: 'workers', value: ({ workers }) => workers },
    { title: 'running', value: ({ running }) => running },
    { title: 'queued', value: ({ queued }) => queued },
    { title: 'calls', value: ({ calls }) => calls },
    { title: 'failed', value: ({ failed }) => alarm(failed) },
    { title: 'overloaded', value: ({ overloaded }) => alarm(overloaded) },
    { title: 'late', value: ({ late }) => late },
  ],
});

function alarmText(text: string) {
  return { text, colour: 'red' } as const;
}

function weightsText(weights: ServiceStatus['weights']): string {
  return Object.entries(weights)
    .map(([version, weight]) => `${version}=${weight}`)
    .join(' ');
}
