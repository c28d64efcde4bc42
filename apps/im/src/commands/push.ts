/** `im push`: one push, as a backend would send it. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Conflation, ImError } from '@im/protocol';
import type { PushClient, PushMessage } from '@im/push-client';
import { setting } from '@im/runtime';
import { z } from 'zod';
import { CommandError, defineCommand } from '../command.js';
import { SECRET_FILES } from '../server/secrets.js';
import { dataFolder } from '../settings.js';

const pushSettings = {
  to: setting(z.string().regex(/^(all|(user|room):[A-Za-z0-9_-]{1,64}|group:[a-z]{1,8}:[A-Za-z0-9_-]{1,64})$/), {
    description: 'user:<id>, room:<room>, group:<kind:name> or all',
    placeholder: 'target',
  }),
  event: setting(z.string().min(1), { description: 'name of the event', placeholder: 'name' }),
  body: setting(z.string().default('null'), { description: 'what it carries, as JSON', placeholder: 'json' }),
  lane: setting(z.enum(['normal', 'priority']).default('normal'), { description: 'priority is never shed' }),
  id: setting(z.string().min(1).max(64).optional(), {
    description: 'message id: on the priority lane the same is sent once, and a sum of the same counts once',
  }),
  sender: setting(z.string().min(1).max(64).optional(), {
    description: 'whose message it is: every sender has a share of a full room',
    placeholder: 'name',
  }),
  reserved: setting(z.boolean().default(false), { description: 'goes before the others where a room is full' }),
  latest: setting(z.string().min(1).max(64).optional(), {
    description: 'of those of this key that wait at the same time only the last is sent',
    placeholder: 'key',
  }),
  sum: setting(
    z
      .string()
      .regex(/^.{1,64}=-?\d{1,16}$/)
      .optional(),
    {
      description: 'those of this key that wait at the same time are added up',
      placeholder: 'key=amount',
    },
  ),
  url: setting(z.url({ protocol: /^https?$/ }).default('http://127.0.0.1:8080/v1/push'), {
    description: 'push endpoint of the server',
    placeholder: 'url',
  }),
  dataFolder: { ...dataFolder, description: "the server's data folder: the push token is there" },
  pushToken: setting(z.string().min(16).optional(), {
    description: 'instead of the one in the data folder',
    secret: true,
  }),
};

export const push = defineCommand({
  name: 'push',
  summary: 'sends one message to a user, a room or everyone',
  settings: pushSettings,
  examples: [
    [`im push --to room:10000 --event notice --body '{"text":"hello"}'`, 'to a room'],
    ['im push --to room:10000 --event like --sum like=3', 'three likes, told with all others of that moment'],
    ['im push --to user:ann --event coupon --lane priority', 'to one person, who gets it also on return'],
  ],
  async run({ to, event, body, lane, id, sender, reserved, latest, sum, url, dataFolder, pushToken }, { print }) {
    const conflate = conflation(latest, sum);
    const message: PushMessage = {
      ...{ event, data: parse(body), lane, id, sender, conflate },
      ...(reserved && { reserved }),
    };
    const { createHttpPushClient } = await import('@im/push-client');
    const client = createHttpPushClient({ url, token: pushToken ?? (await readToken(dataFolder)) });
    try {
      print(`${JSON.stringify(await send(client, to, message))}\n`);
    } catch (error) {
      const { name, message: why } = ImError.wrap(error);
      throw new CommandError(`${name}: ${why}`, 1, { cause: error });
    } finally {
      await client.close();
    }
  },
});

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new CommandError(`--body is not JSON: ${body.slice(0, 100)}`, undefined, { cause });
  }
}

function conflation(latest: string | undefined, sum: string | undefined): Conflation | undefined {
  if (latest !== undefined && sum !== undefined) throw new CommandError('--latest and --sum exclude each other');
  if (latest !== undefined) return { mode: 'latest', key: latest };
  if (sum === undefined) return undefined;
  // A key may have such a sign itself.
  const at = sum.lastIndexOf('=');
  return { mode: 'sum', key: sum.slice(0, at), amount: Number(sum.slice(at + 1)) };
}

async function readToken(folder: string): Promise<string> {
  const file = path.join(folder, SECRET_FILES.push);
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw new CommandError(`no push token at ${file}; name the data folder of the server with --data`, undefined, {
      cause,
    });
  }
}

function send(client: PushClient, to: string, message: PushMessage): Promise<unknown> {
  const [kind, name = ''] = to.split(/:(.*)/s);
  switch (kind) {
    case 'user':
      return client.toUser(name, message);
    case 'room':
      return client.toRoom(name, message);
    case 'group':
      return client.toGroup(name, message);
    default:
      return client.toAll(message);
  }
}
