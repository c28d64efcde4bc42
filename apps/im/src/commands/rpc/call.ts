/** `im rpc call`: one call, as a program would make it. */
import { type CallerContext, CONNECTION_HEADER, ImError } from '@im/protocol';
import { type CallOptions, type RpcCaller, TRACE_HEADER } from '@im/rpc';
import { type Config, setting } from '@im/runtime';
import { z } from 'zod';
import { defineCommand, type Environment } from '../../command.js';
import {
  asCommandError,
  calledMethod,
  callInput,
  inputBytes,
  rpcToolSettings,
  splitMethod,
  withCaller,
} from '../../rpc/rpc-tool.js';

const callSettings = {
  method: calledMethod,
  input: callInput,
  key: setting(z.string().min(1).max(128).optional(), { description: 'idempotency key: the same is carried out once' }),
  route: setting(z.string().min(1).max(256).optional(), { description: 'routing key: calls of one go to one worker' }),
  trace: setting(
    z
      .string()
      .regex(/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)
      .optional()
      .describe('a W3C traceparent'),
    {
      description: 'trace that the call belongs to',
    },
  ),
  as: setting(
    z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,64}$/)
      .optional()
      .describe('a user id'),
    {
      description: 'call as this user, as a gateway would; effects on the connection are not carried out',
      placeholder: 'user',
    },
  ),
  stream: setting(z.boolean().default(false), { description: 'take an answer in parts, one a line' }),
  ...rpcToolSettings,
};

type CallConfig = Config<typeof callSettings>;

export const call = defineCommand({
  name: 'rpc call',
  summary: 'calls a method and prints its answer',
  settings: callSettings,
  examples: [
    ['im rpc call gift.catalogue', 'a method that takes nothing'],
    [`im rpc call room.count '{"room":"10000"}' --as ann`, 'as a gateway calls for ann'],
    [
      `im rpc call conversation.send '{"to":"bob","text":"hi"}' --as ann --key 1`,
      'again with the same key: the same message',
    ],
  ],
  run: (config, environment) =>
    withCaller(config, async (caller, names) => {
      try {
        await print(caller, config, environment);
      } catch (thrown) {
        if (!(thrown instanceof ImError)) throw thrown;
        if (config.json) environment.print(`${JSON.stringify({ error: thrown.toBody() })}\n`);
        throw asCommandError(thrown, names, config.timeout);
      }
    }),
});

async function print(caller: RpcCaller, config: CallConfig, environment: Environment): Promise<void> {
  const show = (body: Uint8Array): void => environment.print(`${config.json ? decode(body) : readable(body)}\n`);
  const [service, method] = splitMethod(config.method);
  const body = inputBytes(config.input);
  if (!config.stream) {
    show((await caller.call(service, method, body, optionsOf(config))).body);
    return;
  }
  const stream = caller.stream(service, method, body, optionsOf(config));
  // Told by the iteration as well.
  stream.reply.catch(() => {});
  for await (const part of stream) environment.print(`${decode(part)}\n`);
  show((await stream.reply).body);
}

function optionsOf({ timeout, key, route, trace, as }: CallConfig): CallOptions {
  const headers = { ...(trace !== undefined && { [TRACE_HEADER]: trace }), ...(as !== undefined && connectionOf(as)) };
  return { timeoutMs: timeout, idempotencyKey: key, routingKey: route, headers };
}

function connectionOf(user: string): Readonly<Record<string, CallerContext>> {
  return {
    [CONNECTION_HEADER]: {
      ...{ gateway: 'im-rpc', session: `im-rpc-${process.pid}`, user, device: 'im-rpc', platform: 'im-rpc' },
      ...{ address: '127.0.0.1', sequence: 1, attributes: {}, claims: {} },
    },
  };
}

/** Nothing stands for no value. */
function decode(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
}

function readable(body: Uint8Array): string {
  const text = decode(body);
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
