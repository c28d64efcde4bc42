/**
 * A gateway in memory that speaks the client protocol: it accepts, keeps groups with their logs, answers calls, and
 * does on command what real networks and gateways do at their worst. For the tests of this package and of apps.
 */
import { type Call, DEFAULT_LIMITS, type Hello, ImError, type Limits, type Push, type Sync } from '@im/protocol';
import type { WebSocketConstructor } from '../connection/link.js';
import { FakeLink } from './fake-link.js';
import { FakeLog } from './fake-log.js';
import { FakeSocket } from './fake-socket.js';

export interface FakeGatewayOptions {
  /** Default 25,000. */
  readonly heartbeatMs?: number;
  readonly limits?: Partial<Limits>;
}

/** Answers one method; what it throws is answered as an error. May return a promise. */
export type MethodHandler = (
  data: Record<string, unknown>,
  context: { link: FakeLink; call: Call<unknown> },
) => unknown;

/** What a ticket restores. */
export interface FakeSession {
  readonly session: string;
  readonly user: string;
  readonly device: string;
  readonly groups: ReadonlySet<string>;
}

export interface PublishOptions {
  readonly lane?: 'priority';
  readonly id?: string;
  /** Asks for positions (PR-140). */
  readonly confirm?: boolean;
}

export class FakeGateway {
  /** Pass it to `createClient`. */
  readonly WebSocket: WebSocketConstructor;
  /** Every connection that was ever tried, oldest first. */
  readonly links: FakeLink[] = [];
  readonly tickets = new Map<string, FakeSession>();
  readonly heartbeatMs: number;
  readonly limits: Limits;
  /** A client has begun to connect. Replace it to refuse or to wait. */
  onConnecting: (link: FakeLink) => void = (link) => link.open();
  /** A client has said hello. Replace it to refuse or to wait. */
  onHello: (link: FakeLink, hello: Hello) => void = (link) => link.welcome();
  /** A client asks for what is missing (PR-100, PR-101). Replace it to fail. */
  onSync: (link: FakeLink, sync: Sync) => void = (link, { id, group, epoch, after, limit }) => {
    const { head } = this.log(group);
    const error = !link.groups.has(group)
      ? 'NOT_A_MEMBER'
      : head.epoch !== epoch
        ? 'EPOCH_CHANGED'
        : after > head.version
          ? 'POSITION_AHEAD'
          : undefined;
    if (error) {
      link.send({ type: 'error', id, ...new ImError(error).toBody() });
      return;
    }
    const entries = this.log(group).after(after, limit);
    for (const entry of entries) link.send(entry);
    const version = entries.at(-1)?.version ?? head.version;
    link.send({ type: 'synced', id, group, epoch, version, more: version < head.version });
  };
  /** Sees every frame that goes over any connection, when it goes. */
  onFrame: (from: 'client' | 'gateway', frame: string) => void = () => {};
  /** Who a token belongs to. @throws ImError to refuse it */
  verify: (token: string) => string = (token) => token;
  readonly #logs = new Map<string, FakeLog>();
  readonly #methods = new Map<string, MethodHandler>();
  #counter = 0;

  constructor({ heartbeatMs = 25_000, limits = {} }: FakeGatewayOptions = {}) {
    this.heartbeatMs = heartbeatMs;
    this.limits = { ...DEFAULT_LIMITS, ...limits };
    const begin = (socket: FakeSocket): void => {
      const link = new FakeLink(this, socket);
      this.links.push(link);
      this.onConnecting(link);
    };
    this.WebSocket = class extends FakeSocket {
      constructor(address: string, subprotocol: string) {
        super(address, subprotocol);
        begin(this);
      }
    };
    this.handle('room.enter', ({ room }, { link, call }) => {
      const group = `r:${String(room)}`;
      link.join(group, call.since?.[group]);
      return { room, count: this.links.filter(({ groups }) => groups.has(group)).length };
    });
    this.handle('room.leave', ({ room }, { link }) => {
      link.leave(`r:${String(room)}`);
      return { room };
    });
  }

  /** The newest connection. @throws Error when nobody has connected */
  get link(): FakeLink {
    const link = this.links.at(-1);
    if (!link) throw new Error('nobody has connected');
    return link;
  }

  /** Serves a method; `room.enter` and `room.leave` are served from the beginning. */
  handle(method: string, handler: MethodHandler): void {
    this.#methods.set(method, handler);
  }

  /** Who answers a method. @throws ImError METHOD_UNKNOWN */
  handler(method: string): MethodHandler {
    const handler = this.#methods.get(method);
    if (!handler) throw new ImError('METHOD_UNKNOWN');
    return handler;
  }

  log(group: string): FakeLog {
    let log = this.#logs.get(group);
    if (!log) {
      log = new FakeLog(group);
      this.#logs.set(group, log);
    }
    return log;
  }

  /** Publishes to the members of a group; on the priority lane it gets the next version of the group's log. */
  publish(group: string, event: string, data: unknown, { lane, id, confirm }: PublishOptions = {}): void {
    const push: Push<unknown> =
      lane === 'priority'
        ? this.log(group).append(event, data, { id, confirm })
        : { type: 'push', group, event, ...(id !== undefined && { id }), data };
    for (const link of this.links) {
      if (link.groups.has(group)) link.push(push);
    }
  }

  /** Begins the group's log anew, and tells the members (PR-102). */
  renew(group: string): void {
    const before = this.log(group).head;
    this.log(group).renew();
    const missed = { epoch: before.epoch, after: before.version };
    for (const link of this.links) {
      if (link.groups.has(group)) {
        link.send({ type: 'reset', group, ...this.log(group).head, recovered: false, missed });
      }
    }
  }

  /** A number that was not given before, as a name. */
  next(prefix: string): string {
    return `${prefix}${++this.#counter}`;
  }

  async answer(link: FakeLink, call: Call<unknown>): Promise<void> {
    try {
      const data = await this.handler(call.method)((call.data ?? {}) as Record<string, unknown>, { link, call });
      link.send({ type: 'reply', id: call.id, data });
    } catch (error) {
      link.send({ type: 'error', id: call.id, ...ImError.wrap(error).toBody() });
    }
  }

  /** Lets everything that is on its way arrive, in both directions. */
  async settled(): Promise<void> {
    for (let turn = 0; turn < 100; turn++) await Promise.resolve();
  }
}
