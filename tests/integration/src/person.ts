/** Somebody at a server: signs in over HTTP, connects with the SDK, remembers what came. */
import { type Client, createClient } from '@im/client-sdk';
import { WebSocket } from 'ws';

/** The application's API as far as these tests use it; apps/workers/README.md has all of it. */
interface Application {
  room: {
    chat: { id: string; from: { user: string; name: string }; text: string };
    gift: { id: string; gift: string; value: number };
    like: { user: string; count: number };
    audience: { room: string; count: number };
    notice: unknown;
  };
  user: { message: Message; conversation: { conversation: string; change: 'added' | 'removed' } };
  calls: {
    'room.enter'(input: { room: string }): { room: string; count: number };
    'room.members'(input: { room: string }): { members: { user: string; name: string }[] };
    'room.like'(input: { room: string; count: number }): unknown;
    'chat.send'(input: { room: string; text: string }): { id: string };
    'gift.send'(input: { room: string; gift: string }): { id: string };
    'conversation.send'(input: { to: string; text: string } | { conversation: string; text: string }): {
      id: string;
      conversation: string;
      version: number;
    };
    'conversation.history'(input: { with: string; limit?: number } | { conversation: string; limit?: number }): {
      entries: { version: number; event: string; data: Omit<Message, 'version'> }[];
    };
    'conversation.list'(input: { limit?: number }): {
      conversations: {
        conversation: string;
        name?: string;
        members?: number;
        role?: string;
        unread: number;
        read: number;
      }[];
    };
    'conversation.read'(input: { conversation: string; version: number }): { read: number };
    'conversation.create'(input: { name: string; members: readonly string[] }): { conversation: string };
    'conversation.remove'(input: { conversation: string; user: string }): unknown;
    'conversation.open'(input: { conversations?: readonly string[] }): { conversations: { conversation: string }[] };
  };
}

export interface Message {
  readonly id: string;
  readonly version: number;
  readonly from: { readonly user: string };
  readonly text: string;
}

export type AppClient = Client<Application>;

export class Person {
  readonly messages: Message[] = [];
  readonly client: AppClient;
  readonly #sockets = new Set<WebSocket>();
  #isAway = false;

  private constructor(
    readonly user: string,
    origins: readonly string[],
    token: () => Promise<string>,
    device = `device-${user}`,
  ) {
    const isAway = () => this.#isAway;
    const sockets = this.#sockets;
    class Mobile extends WebSocket {
      constructor(url: string, protocol: string) {
        // Nobody listens at port 9.
        super(isAway() ? 'ws://127.0.0.1:9' : url, protocol);
        sockets.add(this);
        this.on('close', () => sockets.delete(this));
      }
    }
    this.client = createClient<Application>({
      url: origins.map((origin) => `${origin.replace('http', 'ws')}/im`),
      token,
      device,
      WebSocket: Mobile,
      reconnect: { minMs: 50, maxMs: 500 },
    });
    this.client.user.on('message', (message) => this.messages.push(message));
  }

  /** Signed in, not connected yet. @param others where to turn when that gateway is gone */
  static async signIn(
    origin: string,
    name: string,
    { others = [], device }: { readonly others?: readonly string[]; readonly device?: string } = {},
  ): Promise<Person> {
    const login = async (): Promise<{ token: string; user: string }> => {
      const response = await fetch(`${origin}/v1/login`, { method: 'POST', body: JSON.stringify({ name }) });
      if (!response.ok) throw new Error(`login: ${response.status} ${await response.text()}`);
      return (await response.json()) as { token: string; user: string };
    };
    const { token, user } = await login();
    let first: string | undefined = token;
    const tokens = async () => {
      const current = first ?? (await login()).token;
      first = undefined;
      return current;
    };
    return new Person(user, [origin, ...others], tokens, device);
  }

  /** With a token that somebody else issued, not connected yet. @param others where to turn when that gateway is gone */
  static withToken(origin: string, user: string, token: string, others: readonly string[] = []): Person {
    return new Person(user, [origin, ...others], async () => token);
  }

  /** As in a tunnel: the device does not sign out, and goes on with its session when it comes back. */
  goAway(): void {
    this.#isAway = true;
    for (const socket of this.#sockets) socket.terminate();
  }

  comeBack(): void {
    this.#isAway = false;
  }

  /** What was said in a conversation, newest first. */
  async history(which: { with: string } | { conversation: string }): Promise<Message[]> {
    const { entries } = await this.client.call('conversation.history', { ...which, limit: 100 });
    return entries.filter(({ event }) => event === 'message').map(({ version, data }) => ({ ...data, version }));
  }

  /** Connected, in the room. */
  async enter(room: string) {
    this.client.connect();
    return this.client.enter(room);
  }
}
