/**
 * The gateway: accepts links, shows who is connected, lets clients move elsewhere and stops. It knows no business, and each part's
 * rules live in the part.
 */
import type { Server } from 'node:http';
import { noMetrics } from '@im/protocol/ports';
import { compose, type Parts } from './compose.js';
import { Connection } from './connection/connection.js';
import { Connections } from './connection/connections.js';
import { Drain, type DrainOptions, PATIENCE_MS } from './drain/drain.js';
import type { GatewayOptions } from './gateway-options.js';
import type { Link, LinkEvents } from './link.js';
import { type AttachOptions, WebSocketTransport } from './transport/ws/ws-transport.js';
import type { UserSession } from './user-register.js';

/** How long calls may take to be answered when clients have to go. */
const GRACE_MS = 5_000;

export interface StopOptions {
  /** How long calls may take to be answered, and clients to leave by themselves. Default 5,000. */
  readonly graceMs?: number;
}

export interface Gateway {
  /**
   * WebSocket connections of this server's path are the gateway's. Upgrades of other paths are left to the other listeners for
   * `upgrade`: one that none of them has written to after 10 seconds is answered 404, as it is at once where there are none. A
   * listener that takes longer to decide writes something first, or stands in front of a server of its own.
   * @throws ImError CONFIG_INVALID naming every mistake
   */
  attach(server: Server, options: AttachOptions): void;
  /** What transports call with each new connection. */
  accept(link: Link): LinkEvents;
  /** Connections that are not closed. */
  readonly connections: number;
  /** Who is connected to this gateway as that user, the oldest first. @param userGroup `u:<user>`, under its product where there is one */
  sessionsOf(userGroup: string): readonly UserSession[];
  /**
   * Asks each client to move, at a time of its own within the window, and takes no new connections meanwhile (PR-132, PR-133). Calls are
   * answered and messages delivered as ever. Another call gives those who are left new times.
   * @returns settles when nobody is left, or who is left has stayed longer than calls may take to be answered
   */
  drain(options: DrainOptions): Promise<void>;
  /** Ends a drain: who was not asked to move yet stays, and new connections are taken again. */
  endDrain(): void;
  /** Asks clients to move, answers the calls it has, closes with 4000, and leaves nothing behind. Ends a drain. Idempotent. */
  stop(options?: StopOptions): Promise<void>;
}

/** @throws ImError CONFIG_INVALID */
export function createGateway(options: GatewayOptions): Gateway {
  return new ComposedGateway(options);
}

class ComposedGateway implements Gateway {
  readonly #parts: Parts;
  readonly #connections: Connections;
  readonly #transports: WebSocketTransport[] = [];
  #stopping: Promise<void> | undefined;
  #drain: Drain | undefined;
  #nextAddress: DrainOptions['nextAddress'];

  constructor(options: GatewayOptions) {
    this.#parts = compose(options);
    const { handshakes, surroundings } = this.#parts;
    const { clock, hellos, sessions, devices, positions, feeds, unanswered } = surroundings;
    this.#connections = new Connections(clock);
    const figures: [string, string, () => number][] = [
      ['im_gateway_handshakes_waiting', 'Connections that wait for their handshake.', () => handshakes.waiting],
      ['im_gateway_hellos_waiting', 'Hellos that wait for their turn.', () => hellos.waiting],
      ['im_gateway_hellos_under_way', 'Hellos whose turn has come and that are not let in yet.', () => hellos.running],
      ['im_gateway_connections', 'Connections that are not closed.', () => this.#connections.open],
      ['im_gateway_sessions', 'Sessions with a connection.', () => sessions.held],
      ['im_gateway_sessions_lost', 'Sessions kept without a connection.', () => sessions.lost],
      ['im_gateway_devices_unchecked', 'Sessions not compared with the register yet.', () => devices.unchecked],
      ['im_gateway_positions_waiting', 'Positions of devices to be told on.', () => positions?.waiting ?? 0],
      ['im_gateway_groups', 'Groups with a member here.', () => feeds.size],
      ['im_gateway_draining', '1 while clients are asked to move elsewhere.', () => Number(this.#drain !== undefined)],
      [
        'im_gateway_congested_connections',
        'Connections that are sent no normal messages now.',
        () => unanswered.congested,
      ],
    ];
    const { metrics = noMetrics } = options;
    for (const [name, help, read] of figures) metrics.observe(name, { help }, read);
  }

  get connections(): number {
    return this.#connections.open;
  }

  sessionsOf(userGroup: string): readonly UserSession[] {
    const { sessions, node: gateway } = this.#parts.surroundings;
    const found = sessions.ofUser(userGroup).map(({ presence: session, device, platform, begunAt: sinceMs }) => {
      return { session, gateway, device, platform, sinceMs };
    });
    return found.sort((a, b) => a.sinceMs - b.sinceMs);
  }

  attach(server: Server, options: AttachOptions): void {
    const { surroundings, wires, handshakes, pace } = this.#parts;
    const transport = new WebSocketTransport(server, options, {
      clock: surroundings.clock,
      maxFrameBytes: surroundings.limits.frameBytes,
      wires,
      handshakes,
      arrived: () => pace.arrived(),
      accept: (link) => this.accept(link),
    });
    this.#transports.push(transport);
  }

  accept(link: Link): LinkEvents {
    const { surroundings } = this.#parts;
    surroundings.metrics.accepted.add();
    const connection = new Connection(link, surroundings, this.#connections);
    this.#connections.add(connection);
    // PR-126
    const isFull = this.#connections.open > surroundings.settings.maxConnections;
    if (this.#drain || this.#stopping || isFull) connection.close('TRY_AGAIN_LATER');
    return connection;
  }

  drain(options: DrainOptions): Promise<void> {
    if (this.#stopping) return this.#stopping;
    this.#drain?.end();
    this.#setRefusing(true);
    this.#nextAddress = options.nextAddress;
    const drain = new Drain(this.#connections.all(), options, this.#parts.surroundings.clock);
    this.#drain = drain;
    const isOver = (): boolean => this.#connections.open === 0 || this.#drain !== drain;
    return this.#connections.until(isOver, options.windowMs + PATIENCE_MS + GRACE_MS);
  }

  endDrain(): void {
    if (this.#stopping) return;
    this.#drain?.end();
    this.#drain = undefined;
    this.#setRefusing(false);
    this.#connections.lookAgain();
  }

  stop({ graceMs = GRACE_MS }: StopOptions = {}): Promise<void> {
    this.#stopping ??= this.#stop(graceMs);
    return this.#stopping;
  }

  async #stop(graceMs: number): Promise<void> {
    this.#drain?.end();
    this.#setRefusing(true);
    const { fanOut, feeds, sessions, devices, positions, publisher } = this.#parts.surroundings;
    for (const connection of this.#connections.all()) {
      connection.askToMove(0, this.#nextAddress);
      connection.finish();
    }
    await this.#connections.until(() => this.#connections.open === 0, graceMs);
    for (const connection of this.#connections.all()) connection.close('GOING_AWAY');
    await this.#connections.until(() => this.#connections.size === 0);
    for (const transport of this.#transports) transport.detach();
    devices.close();
    sessions.close();
    fanOut.close();
    await positions?.close();
    await feeds.stop();
    await publisher.close();
  }

  #setRefusing(refusing: boolean): void {
    for (const transport of this.#transports) transport.setRefusing(refusing);
  }
}
