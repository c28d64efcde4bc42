/** W7: people who come back, as docs/protocol.md says it: `hello` with the position that they saw of their own log. */
import { userGroup } from '@im/protocol';
import { WebSocket } from 'ws';
import { obeyParent } from '../../src/harness/obey-parent.js';
import { type ClientsCommand, type ClientsReply, userOf } from '../../src/log/log-commands.js';

interface Position {
  readonly epoch: string;
  readonly version: number;
}

interface Message extends Partial<Position> {
  readonly type: string;
  readonly group?: string;
  readonly groups?: readonly ({ readonly group: string } & Position)[];
}

/** Of each user, by number: where the own log stood. */
const seen = new Map<number, Position>();
/** Those who only meet, at a time: to come back all at once is for later. */
const MEETING = 200;

/** Connects, and settles when `isDone` of a message says so. */
async function visit(port: number, number: number, isDone: (message: Message) => boolean): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, 'im.json.v1', { perMessageDeflate: false });
  await new Promise<void>((resolve, reject) => {
    const known = seen.get(number);
    socket.on('open', () => {
      const positions = known && { positions: { [userGroup(userOf(number))]: known } };
      const hello = { type: 'hello', id: 1, token: userOf(number), device: 'bench', platform: 'bench', ...positions };
      socket.send(JSON.stringify(hello));
    });
    socket.on('message', (payload) => {
      for (const line of String(payload).split('\n')) {
        const message = JSON.parse(line) as Message;
        if (message.type === 'error') reject(new Error(line));
        else if (message.type === 'ping') socket.send('{"type":"pong"}');
        else if (isDone(message)) resolve();
      }
    });
    socket.on('error', reject);
    socket.on('close', (code) => reject(new Error(`closed with ${code}`)));
  });
  socket.removeAllListeners('close');
  socket.terminate();
}

async function meet({ first, users, port }: Extract<ClientsCommand, { do: 'meet' }>): Promise<ClientsReply> {
  let next = first;
  await Promise.all(
    Array.from({ length: Math.min(MEETING, users) }, async () => {
      while (next < first + users) {
        const number = next;
        next += 1;
        await visit(port, number, ({ type, groups = [] }) => {
          const own = groups.find(({ group }) => group === userGroup(userOf(number)));
          if (own !== undefined) seen.set(number, { epoch: own.epoch, version: own.version });
          return type === 'welcome';
        });
      }
    }),
  );
  return { ms: [] };
}

async function comeBack({
  first,
  users,
  each,
  port,
}: Extract<ClientsCommand, { do: 'return' }>): Promise<ClientsReply> {
  const began = performance.now();
  const ms = await Promise.all(
    Array.from({ length: users }, async (_, index) => {
      const number = first + index;
      const group = userGroup(userOf(number));
      const from = seen.get(number);
      if (from === undefined) throw new Error(`user ${number} was never here`);
      let version = from.version;
      await visit(port, number, (message) => {
        if (message.type !== 'push' || message.group !== group) return false;
        if (message.version !== version + 1) throw new Error(`version ${message.version} after ${version}`);
        version += 1;
        return version === from.version + each;
      });
      seen.set(number, { ...from, version });
      return performance.now() - began;
    }),
  );
  return { ms: ms.sort((a, b) => a - b) };
}

obeyParent((command: ClientsCommand) => (command.do === 'meet' ? meet(command) : comeBack(command)));
