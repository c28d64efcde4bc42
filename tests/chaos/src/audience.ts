/** Real SDK clients, each in a room, that note what they get. Must not know who publishes, nor what is killed. */
import { type Client, createClient, type Meta } from '@im/client-sdk';
import { routedBy } from '@im/client-sdk/route';
import { EVERYONE, type Missed } from '@im/protocol';
import { WebSocket } from 'ws';
import type { Account } from './books/account.js';
import type { Ledger } from './books/ledger.js';
import { signToken } from './sign-token.js';

/** The event and what it carries: where in the ledger it belongs. */
export const EVENT = 'ledger';
export type Entry = readonly [stream: number, number: number];

export interface AudienceOptions {
  readonly ledger: Ledger;
  readonly balancers: readonly string[];
  readonly jwtSecret: string;
  readonly clients: number;
  readonly rooms: number;
  /** This many of them are the second device of another's user. */
  readonly secondDevices: number;
}

/** What a group's handlers are hung on. */
interface Source {
  on(event: typeof EVENT, listener: (entry: Entry, meta: Meta) => void): unknown;
  on(event: '$shed', listener: (shed: { readonly count?: number }) => void): unknown;
  on(
    event: '$recovered',
    listener: (outcome: { readonly recovered: boolean; readonly missed?: Missed }) => void,
  ): unknown;
  on(event: '$left', listener: (left: { readonly code: number; readonly reason: string }) => void): unknown;
}

/** Clients that connect at the same time. */
const AT_ONCE = 25;

export class Audience {
  readonly #options: AudienceOptions;
  readonly #clients: Client[] = [];
  /** How often a client came back. */
  reconnects = 0;
  /** How often it came back with its session. */
  resumed = 0;

  private constructor(options: AudienceOptions) {
    this.#options = options;
  }

  static usersOf({ clients, secondDevices }: Pick<AudienceOptions, 'clients' | 'secondDevices'>): string[] {
    return Array.from({ length: clients - secondDevices }, (_, index) => `v${index}`);
  }

  static roomsOf({ rooms }: Pick<AudienceOptions, 'rooms'>): string[] {
    return Array.from({ length: rooms }, (_, index) => `1000${index}`);
  }

  /** Settles when all are in their rooms. */
  static async gather(options: AudienceOptions): Promise<Audience> {
    const audience = new Audience(options);
    const numbers = Array.from({ length: options.clients }, (_, index) => index);
    const connectNext = async (): Promise<void> => {
      for (let number = numbers.shift(); number !== undefined; number = numbers.shift()) await audience.#enter(number);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, connectNext));
    return audience;
  }

  get connected(): number {
    return this.#clients.filter(({ state }) => state.status === 'connected').length;
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  async #enter(number: number): Promise<void> {
    const { balancers, jwtSecret, ledger } = this.#options;
    const users = Audience.usersOf(this.#options);
    const rooms = Audience.roomsOf(this.#options);
    const user = users[number % users.length] as string;
    const room = rooms[number % rooms.length] as string;
    const device = `d${number}`;
    const client = createClient({
      url: routedBy(balancers),
      token: signToken(user, jwtSecret),
      device,
      WebSocket,
      reconnect: { minMs: 50, maxMs: 1_000 },
      callTimeoutMs: 60_000,
    });
    this.#clients.push(client);
    let hasConnected = false;
    client.on('state', (state) => {
      if (state.status !== 'connected') return;
      if (hasConnected) {
        this.reconnects += 1;
        if (state.resumed) this.resumed += 1;
      }
      hasConnected = true;
    });
    client.on('error', (error) => ledger.fault(`${device} had an error: ${String(error)}`));
    for (const group of [`r:${room}`, `u:${user}`, EVERYONE]) {
      this.#note(client.group(group) as unknown as Source, ledger.openAccount(device, group));
    }
    client.connect();
    await client.enter(room);
  }

  #note(source: Source, account: Account): void {
    const { ledger } = this.#options;
    source.on(EVENT, ([stream, number], { version }) => ledger.receive(account, stream, number, version));
    source.on('$shed', ({ count }) => account.shed(count));
    source.on('$recovered', ({ recovered, missed }) => {
      if (!recovered) account.lost(missed ?? { after: 0 });
    });
    source.on('$left', ({ code, reason }) =>
      account.fault(`${account.viewer} left ${account.group}: ${code} ${reason}`),
    );
  }
}
