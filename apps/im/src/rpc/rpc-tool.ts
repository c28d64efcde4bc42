/** Owns: how the `im rpc` commands reach brokers, each on its own so that every one answers for itself. */
import { ImError } from '@im/protocol';
import { BROKER_SERVICE, decodeJson, encodeJson, type RpcCaller } from '@im/rpc';
import { type Config, setting } from '@im/runtime';
import { z } from 'zod';
import { CommandError } from '../command.js';
import { holdProcess } from '../hold-process.js';
import { dataFolder } from '../settings.js';
import { brokerSettings, findBrokers } from './broker-place.js';

export const rpcToolSettings = {
  ...brokerSettings,
  dataFolder: { ...dataFolder, description: 'of im up: says where its brokers are' },
  timeout: setting(z.int().min(1).max(3_600_000).default(3_000), {
    description: 'milliseconds until a call is given up',
    placeholder: 'ms',
  }),
  json: setting(z.boolean().default(false), { description: 'print JSON, for scripts' }),
};

export type RpcToolConfig = Config<typeof rpcToolSettings>;

/** `service.method` of a call. */
export const calledMethod = setting(
  z
    .string()
    .regex(/^[a-zA-Z$][A-Za-z0-9_-]{0,63}\.[a-zA-Z$][A-Za-z0-9_-]{0,63}$/)
    .describe('service.method'),
  { description: 'what to call', operand: true, placeholder: 'service.method' },
);

export const callInput = setting(z.string().optional().describe('JSON'), {
  description: 'what the method takes',
  operand: true,
  placeholder: 'input',
});

export interface ReachedBroker {
  readonly name: string;
  readonly caller: RpcCaller;
}

/** @throws CommandError, naming the flag that helps */
export async function withBrokers<Result>(
  config: RpcToolConfig,
  use: (brokers: readonly ReachedBroker[]) => Promise<Result>,
): Promise<Result> {
  // Loaded only where it runs: the other commands need none of it.
  const { createZeromqRpc } = await import('@im/rpc/zeromq');
  const { names, place } = await findBrokers(config);
  const rpcs = place.brokers.map((broker) => createZeromqRpc({ brokers: [broker], keys: place.keys }));
  const release = holdProcess();
  try {
    return await use(rpcs.map((rpc, index) => ({ name: names[index] as string, caller: rpc.createCaller() })));
  } finally {
    await Promise.all(rpcs.map((rpc) => rpc.close()));
    release();
  }
}

/** One caller for all brokers, which uses those that live. @throws CommandError */
export async function withCaller<Result>(
  config: RpcToolConfig,
  use: (caller: RpcCaller, names: readonly string[]) => Promise<Result>,
): Promise<Result> {
  const { createZeromqRpc } = await import('@im/rpc/zeromq');
  const { names, place } = await findBrokers(config);
  const rpc = createZeromqRpc(place);
  const release = holdProcess();
  try {
    return await use(rpc.createCaller(), names);
  } finally {
    await rpc.close();
    release();
  }
}

/** What a broker says of itself. @throws CommandError when it does not answer in time, or refuses */
export async function ask<Answer>(
  { name, caller }: ReachedBroker,
  method: string,
  { timeout }: Pick<RpcToolConfig, 'timeout'>,
  input?: unknown,
): Promise<Answer> {
  try {
    const reply = await caller.call(BROKER_SERVICE, method, encodeJson(input), { timeoutMs: timeout });
    return decodeJson(reply.body) as Answer;
  } catch (error) {
    throw asCommandError(ImError.wrap(error), [name], timeout);
  }
}

/** In one line, with what helps. */
export function asCommandError(error: ImError, names: readonly string[], timeoutMs: number): CommandError {
  const { name, code, message, details } = error;
  // Never sent: nobody took it.
  if (name === 'DEADLINE_EXCEEDED' && details?.handedOut === false) {
    const hint = 'is it running, do the keys fit? (--broker, --keys, --timeout)';
    return new CommandError(`no answer from ${names.join(', ')} within ${timeoutMs} ms: ${hint}`, 1, { cause: error });
  }
  const { handedOut, ...others } = details ?? {};
  const more = Object.keys(others).length === 0 ? '' : ` ${JSON.stringify(others)}`;
  return new CommandError(`${name} (${code}): ${message}${more}`, 1, { cause: error });
}

/** The bytes of an input. @throws CommandError */
export function inputBytes(input: string | undefined): Uint8Array {
  if (input === undefined) return encodeJson(undefined);
  try {
    JSON.parse(input);
  } catch (cause) {
    throw new CommandError(`the input is not JSON: ${input.slice(0, 100)}`, undefined, { cause });
  }
  return Buffer.from(input);
}

export function splitMethod(method: string): [service: string, method: string] {
  const dot = method.indexOf('.');
  return [method.slice(0, dot), method.slice(dot + 1)];
}
