/** `chaos talk`: its options and what it prints. */
import { parseArgs } from 'node:util';
import { killGateway, killNode, killWorker, restartRedis } from '../disturbances.js';
import { numberIn, seedIn } from '../number-option.js';
import { runTalk } from './talk-run.js';

const USAGE = `Usage: chaos talk [--people N] [--messages N] [--delay MIN-MAX] [--cut MS] [--kill] [--appendfsync WHEN] [--seed N]

  People talk one to one and in groups, every fourth of them on two devices, at a cluster of 2 gateways, 2 broadcast nodes and 2
  workers on a Redis. Between them and the gateways is a network that delays all bytes of a connection and ends it: for both sides
  at once, for one side first, silently, or so that the server sees the end of the old one after the beginning of the new one.
  Exit code 1 when a device does not have every message once and in order in the end.

  --people N       default 20
  --messages N     in all, default 10,000
  --delay MIN-MAX  of a round trip, milliseconds, drawn for each connection, default 200-2000
  --cut MS         how long a connection lasts on average, default 3000, or never
  --kill           kill -9 a worker, a gateway, a broadcast node and Redis, five seconds apart, while they talk
  --appendfsync WHEN  when Redis flushes what it acknowledged: always (default) or everysec
  --seed N         of the choices, default a new one
  --help           print this text
`;

const KILLS = [killWorker, killGateway, killNode, restartRedis];

/** @returns exit code @throws TypeError for options that it does not know or cannot read */
export async function talkCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      people: { type: 'string', default: '20' },
      messages: { type: 'string', default: '10000' },
      delay: { type: 'string', default: '200-2000' },
      cut: { type: 'string', default: '3000' },
      kill: { type: 'boolean', default: false },
      appendfsync: { type: 'string', default: 'always' },
      seed: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const [min = '', max = min] = values.delay.split('-');
  const seed = seedIn(values.seed);
  const { appendfsync } = values;
  if (appendfsync !== 'always' && appendfsync !== 'everysec')
    throw new TypeError('--appendfsync is always or everysec');
  process.stdout.write(`seed ${seed}\n`);
  const report = await runTalk({
    people: numberIn('--people', values.people),
    messages: numberIn('--messages', values.messages),
    // Half of a round trip in each direction.
    delayMs: [numberIn('--delay', min) / 2, numberIn('--delay', max) / 2],
    cutEveryMs: values.cut === 'never' ? Number.POSITIVE_INFINITY : numberIn('--cut', values.cut),
    ...(values.kill && { disturbances: KILLS, disturbEveryMs: 5_000 }),
    appendfsync,
    seed,
    onProgress: showStored,
  });
  if (process.stderr.isTTY) process.stderr.write('\n');
  const { faults, faultCount, endings, transportPerDelivery, seconds, ...figures } = report;
  const ended = endings.map((each) => Object.entries(each).map(([how, times]) => `${how} ${times}`));
  process.stdout.write(`connections ended before each gateway: ${ended.map((each) => each.join(', ')).join('; ')}\n`);
  for (const [name, value] of Object.entries(figures)) {
    process.stdout.write(`${name.padEnd(20)}${value.toLocaleString('en').padStart(10)}\n`);
  }
  process.stdout.write(`${transportPerDelivery.toFixed(2)} transport messages for each delivery, both ways together\n`);
  process.stdout.write(`${faultCount} faults in ${seconds.toFixed(0)} s\n`);
  if (faultCount > 0) process.stdout.write(`${faults.join('\n')}\n`);
  return faultCount === 0 ? 0 : 1;
}

/** One line that changes on a terminal, elsewhere a line a thousand. */
function showStored(stored: number): void {
  const text = `${stored.toLocaleString('en')} stored`;
  if (process.stderr.isTTY) process.stderr.write(`\r${text}`);
  else if (stored % 1_000 === 0) process.stderr.write(`${text}\n`);
}
