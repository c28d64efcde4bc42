/** `im rpc tap`: calls as they end, live. What this program is too slow for, brokers leave out and count. */
import { ImError } from '@im/protocol';
import { BROKER_SERVICE, decodeJson, encodeJson, type TapFilter, type TappedCall } from '@im/rpc';
import { type Config, setting, systemClock, wantsColour } from '@im/runtime';
import { z } from 'zod';
import { defineCommand, type Environment } from '../../command.js';
import { paced } from '../../rpc/paced.js';
import { asCommandError, ask, type ReachedBroker, rpcToolSettings, withBrokers } from '../../rpc/rpc-tool.js';
import { paint } from '../../rpc/table.js';

const tapSettings = {
  service: setting(z.string().min(1).optional(), { description: 'only calls of this service', placeholder: 'name' }),
  method: setting(z.string().min(1).optional(), { description: 'only calls of this method', placeholder: 'name' }),
  failed: setting(z.boolean().default(false), { description: 'only calls that failed' }),
  slowerThan: setting(z.number().min(0).optional(), { description: 'only calls that took longer', placeholder: 'ms' }),
  ...rpcToolSettings,
};

type TapConfig = Config<typeof tapSettings>;

/** A tap is a call, and no call is open for ever: it is made anew. */
const TAP_MS = 3_600_000;
const RETRY_MS = 500;
/** More than people can read. What comes beyond is not read, so that brokers leave it out, and watching costs others little. */
const PACE = { most: 200, perMs: 100, clock: systemClock };

export const tap = defineCommand({
  name: 'rpc tap',
  summary: 'shows calls as they end, until Ctrl-C',
  settings: tapSettings,
  examples: [
    ['im rpc tap --failed', 'what goes wrong'],
    ['im rpc tap --service gift --slower-than 100', 'gifts that took more than 100 ms'],
    ['im rpc tap --json', 'one JSON object a call, for scripts'],
  ],
  run: (config, environment) =>
    withBrokers(config, async (brokers) => {
      // Who is not there at the beginning is a mistake; who goes away later is waited for.
      await Promise.all(brokers.map((broker) => ask(broker, 'stats', config)));
      const ended = new AbortController();
      const onSignal = (): void => ended.abort();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal);
      const colours = wantsColour(process.stdout, environment.variables);
      if (!config.json) environment.printError(paint('watching; Ctrl-C ends\n', 'grey', colours));
      await Promise.all(brokers.map((broker) => watch(broker, config, environment, { signal: ended.signal, colours })));
    }),
});

interface Watching {
  readonly signal: AbortSignal;
  readonly colours: boolean;
}

async function watch(
  broker: ReachedBroker,
  config: TapConfig,
  environment: Environment,
  watching: Watching,
): Promise<void> {
  const { signal, colours } = watching;
  while (!signal.aborted) {
    try {
      const options = { timeoutMs: TAP_MS, signal };
      const stream = broker.caller.stream(BROKER_SERVICE, 'tap', encodeJson(filterOf(config)), options);
      for await (const part of paced(stream, PACE)) {
        const call = decodeJson(part) as TappedCall;
        environment.print(
          config.json ? `${JSON.stringify({ broker: broker.name, ...call })}\n` : lineOf(call, colours),
        );
      }
    } catch (thrown) {
      const error = ImError.wrap(thrown);
      if (signal.aborted) return;
      if (!error.retryable && error.name !== 'CALL_LOST' && error.name !== 'DEADLINE_EXCEEDED') {
        throw asCommandError(error, [broker.name], config.timeout);
      }
      environment.printError(`${broker.name}: ${error.name}; watching it again\n`);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

function filterOf({ service, method, failed, slowerThan: slowerThanMs }: TapConfig): TapFilter {
  return { service, method, failed: failed || undefined, slowerThanMs };
}

/** `12:00:01.123    1.204 ms  gift.send                 1.0.0  5f1c2a3b  ok  63 bytes` */
function lineOf(call: TappedCall, colours: boolean): string {
  const { service, method, version = '-', worker = '-', durationMs, bytes, error, dropped } = call;
  const time = new Date(systemClock.now()).toISOString().slice(11, 23);
  const outcome = error === undefined ? `ok  ${bytes} bytes` : paint(error, 'red', colours);
  const left = dropped === undefined ? '' : paint(`  (${dropped} before it not shown)`, 'yellow', colours);
  const name = `${service}.${method}`.padEnd(24);
  return `${paint(time, 'grey', colours)} ${durationMs.toFixed(3).padStart(10)} ms  ${name}  ${version}  ${worker.slice(0, 8)}  ${outcome}${left}\n`;
}
