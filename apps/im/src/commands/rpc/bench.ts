/** `im rpc bench`: how many calls of a method a second, and how long they take. */
import { ImError } from '@im/protocol';
import type { RpcCaller } from '@im/rpc';
import { type Config, setting, systemClock } from '@im/runtime';
import { z } from 'zod';
import { CommandError, defineCommand } from '../../command.js';
import { Latencies } from '../../rpc/latencies.js';
import { calledMethod, callInput, inputBytes, rpcToolSettings, splitMethod, withCaller } from '../../rpc/rpc-tool.js';

const benchSettings = {
  method: calledMethod,
  input: callInput,
  inFlight: setting(z.int().min(1).max(10_000).default(64), { description: 'calls open at any time' }),
  seconds: setting(z.number().min(0.1).max(3_600).default(5), { description: 'for how long' }),
  ...rpcToolSettings,
};

type BenchConfig = Config<typeof benchSettings>;

interface BenchResult {
  readonly calls: number;
  readonly callsPerSecond: number;
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
  /** By name of the error. */
  readonly errors: Readonly<Record<string, number>>;
}

export const bench = defineCommand({
  name: 'rpc bench',
  summary: 'calls a method again and again: calls a second, p50, p99, errors',
  settings: benchSettings,
  examples: [
    ['im rpc bench gift.catalogue', '64 calls in flight, for five seconds'],
    ['im rpc bench gift.catalogue --in-flight 1 --seconds 10', 'one after the other'],
  ],
  run: (config, { print }) =>
    withCaller(config, async (caller, names) => {
      const result = await measure(caller, config);
      print(config.json ? `${JSON.stringify(result)}\n` : textOf(result, config));
      if (result.calls > 0) return;
      throw new CommandError(
        `no call of ${config.method} at ${names.join(', ')} was answered (--broker, --timeout)`,
        1,
      );
    }),
});

async function measure(caller: RpcCaller, config: BenchConfig): Promise<BenchResult> {
  const [service, method] = splitMethod(config.method);
  const body = inputBytes(config.input);
  const latencies = new Latencies();
  const errors: Record<string, number> = {};
  let calls = 0;
  const options = { timeoutMs: config.timeout };
  const startedAt = systemClock.monotonic();
  const endAt = startedAt + config.seconds * 1_000;
  const callAgainAndAgain = async (): Promise<void> => {
    for (let begin = systemClock.monotonic(); begin < endAt; begin = systemClock.monotonic()) {
      try {
        await caller.call(service, method, body, options);
        calls += 1;
        latencies.add(systemClock.monotonic() - begin);
      } catch (thrown) {
        const { name } = ImError.wrap(thrown);
        errors[name] = (errors[name] ?? 0) + 1;
      }
    }
  };
  await Promise.all(Array.from({ length: config.inFlight }, callAgainAndAgain));
  const seconds = (systemClock.monotonic() - startedAt) / 1_000;
  const [p50Ms, p99Ms] = [latencies.quantile(0.5), latencies.quantile(0.99)];
  return { calls, callsPerSecond: Math.round(calls / seconds), p50Ms, p99Ms, errors };
}

function textOf({ calls, callsPerSecond, p50Ms, p99Ms, errors }: BenchResult, { inFlight }: BenchConfig): string {
  const ms = (value: number | undefined): string => (value === undefined ? '-' : `${value.toPrecision(3)} ms`);
  const failed = Object.entries(errors).map(([name, count]) => `${name} ${count.toLocaleString('en-US')}`);
  const rows = [
    ['calls/s', callsPerSecond.toLocaleString('en-US')],
    ['p50', ms(p50Ms)],
    ['p99', ms(p99Ms)],
    ['answered', `${calls.toLocaleString('en-US')}, ${inFlight} in flight`],
    ['failed', failed.length === 0 ? '0' : failed.join(', ')],
  ];
  return rows.map(([name = '', value]) => `${name.padEnd(9)} ${value}\n`).join('');
}
