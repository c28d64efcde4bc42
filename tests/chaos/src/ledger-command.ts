/** `chaos ledger`: its options and its table. */
import { parseArgs } from 'node:util';
import { formatTable } from './books/table.js';
import { runLedger } from './ledger-run.js';
import { numberIn, seedIn } from './number-option.js';

const USAGE = `Usage: chaos ledger [--clients N] [--seconds N] [--rate N] [--seed N]

  A cluster of 2 gateways, 2 broadcast nodes, 2 node managers and 2 workers on a Redis that flushes every write is pushed
  to on both lanes while its parts are killed, added and removed. A table tells what everybody got. Exit code 1 when a priority
  message is missing, came twice or out of order, or when a loss of the normal lane was not told.

  --clients N  SDK clients, default 500
  --seconds N  of load in all, default 120
  --rate N     pushes a second, default 200
  --seed N     of the choices, default a new one
  --help       print this text
`;

/** @returns exit code @throws TypeError for options that it does not know or cannot read */
export async function ledgerCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      clients: { type: 'string', default: '500' },
      seconds: { type: 'string', default: '120' },
      rate: { type: 'string', default: '200' },
      seed: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const clients = numberIn('--clients', values.clients);
  const seconds = numberIn('--seconds', values.seconds);
  const messagesPerSecond = numberIn('--rate', values.rate);
  const seed = seedIn(values.seed);
  process.stdout.write(`seed ${seed}\n`);
  const report = await runLedger({
    ...{ clients, seconds, messagesPerSecond, seed },
    onStep: ([row]) => process.stderr.write(`${row?.step}\n`),
  });
  const { rows, faults, faultCount, reconnects, resumed } = report;
  process.stdout.write(`${formatTable(rows)}\n\n`);
  process.stdout.write(`${reconnects} reconnects, ${resumed} with their sessions; ${faultCount} faults\n`);
  if (faultCount > 0) process.stdout.write(`${faults.join('\n')}\n`);
  const rss = Math.round(process.memoryUsage().rss / 2 ** 20);
  process.stdout.write(`the clients and publishers took ${rss} MiB\n`);
  return faultCount === 0 ? 0 : 1;
}
