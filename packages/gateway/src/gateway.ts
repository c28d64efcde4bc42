/**
 * The gateway: accepts links, holds connections and sessions, joins them to groups and forwards their calls. Composition
 * only; it knows no business, and each part's rules live in the part.
 */
import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import type { Publisher } from '@im/broadcast';
import { FanOut } from '@im/groups';
import type { Delivery } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import { noMetrics, silentLogger } from '@im/protocol/ports';
import { GateRules } from './connection/command-gate.js';
import { Connection, type ConnectionOwner } from './connection/connection.js';
import { Pace } from './connection/pace.js';
import { TimerWheel } from './connection/timer-wheel.js';
import { TurnQueue } from './connection/turn-queue.js';
import { Unanswered } from './connection/unanswered.js';
import { DEVICE_EVENT, DeviceRule } from './devices/device-rule.js';
import { Drain, type DrainOptions, PATIENCE_MS } from './drain/drain.js';
import { GroupFeeds } from './feed/group-feeds.js';
import { LogAccess } from './feed/log-access.js';
import { createGatewayMetrics } from './gateway-metrics.js';
import { type GatewayOptions, readSettings } from './gateway-options.js';
import type { Link, LinkEvents } from './link.js';
import type { GatewayViewer } from './membership/gateway-viewer.js';
import { ReplayChunks } from './membership/replay-chunks.js';
import { PositionReports } from './positions/position-reports.js';
import { QuietLogger } from './quiet-logger.js';
import { obeyKick } from './session/kick.js';
import { SessionRegistry } from './session/session-registry.js';
import { obeyTakeover, TAKEOVER_EVENT } from './session/takeover.js';
import { Tickets } from './session/ticket.js';
import type { Surroundings } from './surroundings.js';
import { ChunkDeflater } from './transport/ws/chunk-deflater.js';
import { type AttachOptions, WebSocketTransport } from './transport/ws/ws-transport.js';
import { WebSocketWires } from './transport/ws/ws-wires.js';
import type { UserSession } from './user-register.js';

/** How long calls may take to be answered when clients have to go. */
const GRACE_MS = 5_000;
/** How late a deadline of a connection may be noticed. */
const TICK_MS = 100;
/** Connections that are read and have not said anything, so that they cannot all do so in one turn: for longer than a frame, that is. */
const MAX_SILENT = 512;
/** One takes what its client has sent, at most 64 KiB. */
const MAX_WAITING_HANDSHAKES = 20_000;

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

class ComposedGateway implements Gateway, ConnectionOwner {
  readonly #surroundings: Surroundings;
  readonly #feeds: GroupFeeds;
  readonly #publisher: Publisher;
  readonly #wires: WebSocketWires;
  readonly #pace: Pace;
  readonly #handshakes: TurnQueue;
  /** Open, and closed ones whose links are not gone yet. */
  readonly #present = new Set<Connection>();
  /** How many of them are open. */
  #open = 0;
  readonly #transports: WebSocketTransport[] = [];
  #stopping: Promise<void> | undefined;
  #drain: Drain | undefined;
  #nextAddress: DrainOptions['nextAddress'];
  /** Called after each change of who is connected. */
  readonly #watchers = new Set<() => void>();

  constructor(options: GatewayOptions) {
    const { settings, limits } = readSettings(options);
    const { clock = systemClock, logger = silentLogger, metrics = noMetrics, afterTurn = setImmediateOnce } = options;
    const gatewayMetrics = createGatewayMetrics(metrics);
    this.#wires = new WebSocketWires(new ChunkDeflater(clock, gatewayMetrics.deflate));
    const tickets = new Tickets(options.ticketKeys);
    const log = new LogAccess(options.log, { clock, timeoutMs: settings.storeTimeoutMs, afterTurn });
    const fanOut = new FanOut<GatewayViewer>({
      clock,
      metrics,
      afterTurn,
      framesPerSecond: settings.framesPerSecond,
      messagesPerFrame: settings.messagesPerFrame,
      bytesPerFrame: settings.bytesPerFrame,
      ...(options.messagesPerFrameByKind !== undefined && { messagesPerFrameByKind: options.messagesPerFrameByKind }),
      ...(options.framesPerSecondByKind !== undefined && { framesPerSecondByKind: options.framesPerSecondByKind }),
      onFirstMember: (group) => this.#feeds.open(group),
      onLastMember: (group) => this.#feeds.close(group),
    });
    const wheel = new TimerWheel(clock, TICK_MS);
    const unanswered = new Unanswered({
      wheel,
      stallMs: settings.stallMs,
      bytes: gatewayMetrics.backlogBytes,
      nextTurn: afterTurn,
    });
    const sessions = new SessionRegistry({ clock, ttlMs: settings.sessionTtlMs, maxLost: settings.maxLostSessions });
    this.#pace = new Pace(clock, afterTurn);
    this.#handshakes = new TurnQueue({
      maxRunning: MAX_SILENT,
      maxWaiting: MAX_WAITING_HANDSHAKES,
      nextTurn: this.#pace.next,
      refused: gatewayMetrics.refusedHandshakes,
    });
    const hellos = new TurnQueue({
      maxRunning: settings.maxAuthenticating,
      maxWaiting: settings.maxWaitingHellos,
      nextTurn: this.#pace.next,
      refused: gatewayMetrics.refusedHellos,
    });
    this.#publisher = options.broadcast.createPublisher();
    const { devices = 'all', devicesByProduct = {}, users } = options;
    const quietLogger = new QuietLogger(logger, clock);
    const deviceRule = new DeviceRule({
      policyOf: (product) => (product === undefined ? devices : (devicesByProduct[product] ?? devices)),
      sessions,
      publisher: this.#publisher,
      users,
      clock,
      logger: quietLogger,
    });
    this.#feeds = new GroupFeeds({
      broadcast: options.broadcast,
      log,
      clock,
      settleTimeoutMs: settings.storeTimeoutMs,
      publish: (delivery) => this.#deliver(delivery),
      lost: (group, count) => fanOut.lost(group, count),
      pulled: gatewayMetrics.pulled,
      lostVersions: gatewayMetrics.lostVersions,
    });
    const positions =
      options.positions &&
      new PositionReports({
        sink: options.positions,
        feeds: this.#feeds,
        clock,
        logger: quietLogger,
        dropped: gatewayMetrics.droppedPositions,
      });
    this.#surroundings = {
      node: options.node,
      incarnation: randomBytes(9).toString('base64url'),
      settings,
      limits,
      gateRules: new GateRules(limits),
      hellos,
      clock,
      logger: quietLogger,
      metrics: gatewayMetrics,
      wheel,
      unanswered,
      fanOut,
      feeds: this.#feeds,
      log,
      replays: new ReplayChunks(),
      maxReplay: settings.maxReplay,
      tickets,
      sessions,
      devices: deviceRule,
      rpc: options.rpc,
      publisher: this.#publisher,
      verifier: options.verifier,
      online: options.online,
      users,
      positions,
      afterTurn,
    };
    const figures: [string, string, () => number][] = [
      ['im_gateway_handshakes_waiting', 'Connections that wait for their handshake.', () => this.#handshakes.waiting],
      ['im_gateway_hellos_waiting', 'Hellos that wait for their turn.', () => hellos.waiting],
      ['im_gateway_hellos_under_way', 'Hellos whose turn has come and that are not let in yet.', () => hellos.running],
      ['im_gateway_connections', 'Connections that are not closed.', () => this.#open],
      ['im_gateway_sessions', 'Sessions with a connection.', () => sessions.held],
      ['im_gateway_sessions_lost', 'Sessions kept without a connection.', () => sessions.lost],
      ['im_gateway_devices_unchecked', 'Sessions not compared with the register yet.', () => deviceRule.unchecked],
      ['im_gateway_positions_waiting', 'Positions of devices to be told on.', () => positions?.waiting ?? 0],
      ['im_gateway_groups', 'Groups with a member here.', () => this.#feeds.size],
      ['im_gateway_draining', '1 while clients are asked to move elsewhere.', () => Number(this.#drain !== undefined)],
      [
        'im_gateway_congested_connections',
        'Connections that are sent no normal messages now.',
        () => unanswered.congested,
      ],
    ];
    for (const [name, help, read] of figures) metrics.observe(name, { help }, read);
  }

  get connections(): number {
    return this.#open;
  }

  sessionsOf(userGroup: string): readonly UserSession[] {
    const { sessions, node: gateway } = this.#surroundings;
    const found = sessions.ofUser(userGroup).map(({ presence: session, device, platform, begunAt: sinceMs }) => {
      return { session, gateway, device, platform, sinceMs };
    });
    return found.sort((a, b) => a.sinceMs - b.sinceMs);
  }

  attach(server: Server, options: AttachOptions): void {
    const transport = new WebSocketTransport(server, options, {
      clock: this.#surroundings.clock,
      maxFrameBytes: this.#surroundings.limits.frameBytes,
      wires: this.#wires,
      handshakes: this.#handshakes,
      arrived: () => this.#pace.arrived(),
      accept: (link) => this.accept(link),
    });
    this.#transports.push(transport);
  }

  accept(link: Link): LinkEvents {
    const { metrics, settings } = this.#surroundings;
    metrics.accepted.add();
    const connection = new Connection(link, this.#surroundings, this);
    this.#present.add(connection);
    this.#open++;
    // PR-126
    if (this.#drain || this.#stopping || this.#open > settings.maxConnections) connection.close('TRY_AGAIN_LATER');
    return connection;
  }

  drain(options: DrainOptions): Promise<void> {
    if (this.#stopping) return this.#stopping;
    this.#drain?.end();
    this.#setRefusing(true);
    this.#nextAddress = options.nextAddress;
    this.#drain = new Drain([...this.#present], options, this.#surroundings.clock);
    const drain = this.#drain;
    return this.#until(() => this.#open === 0 || this.#drain !== drain, options.windowMs + PATIENCE_MS + GRACE_MS);
  }

  endDrain(): void {
    if (this.#stopping) return;
    this.#drain?.end();
    this.#drain = undefined;
    this.#setRefusing(false);
    this.#changed();
  }

  stop({ graceMs = GRACE_MS }: StopOptions = {}): Promise<void> {
    this.#stopping ??= this.#stop(graceMs);
    return this.#stopping;
  }

  onClosed(): void {
    this.#open--;
    this.#changed();
  }

  onGone(connection: Connection): void {
    this.#present.delete(connection);
    this.#changed();
  }

  #deliver(delivery: Delivery): void {
    if (delivery.lane === 'normal' && delivery.event === TAKEOVER_EVENT) {
      obeyTakeover(delivery, this.#surroundings);
      return;
    }
    if (delivery.lane === 'normal' && delivery.event === DEVICE_EVENT) {
      this.#surroundings.devices.obey(delivery);
      return;
    }
    this.#surroundings.fanOut.publish(delivery);
    obeyKick(delivery, this.#surroundings);
  }

  async #stop(graceMs: number): Promise<void> {
    this.#drain?.end();
    this.#setRefusing(true);
    const { fanOut, sessions, devices, positions } = this.#surroundings;
    for (const connection of [...this.#present]) {
      connection.askToMove(0, this.#nextAddress);
      connection.finish();
    }
    await this.#until(() => this.#open === 0, graceMs);
    for (const connection of [...this.#present]) connection.close('GOING_AWAY');
    await this.#until(() => this.#present.size === 0);
    for (const transport of this.#transports) transport.detach();
    devices.close();
    sessions.close();
    fanOut.close();
    await positions?.close();
    await this.#feeds.stop();
    await this.#publisher.close();
  }

  #setRefusing(refusing: boolean): void {
    for (const transport of this.#transports) transport.setRefusing(refusing);
  }

  #changed(): void {
    for (const look of this.#watchers) look();
  }

  /** Settles when the condition holds, looked at after each change, or when the time is over. */
  #until(condition: () => boolean, timeoutMs?: number): Promise<void> {
    if (condition() || timeoutMs === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = (): void => {
        this.#watchers.delete(look);
        timer?.cancel();
        resolve();
      };
      const timer = timeoutMs === undefined ? undefined : this.#surroundings.clock.after(timeoutMs, finish);
      const look = (): void => {
        if (condition()) finish();
      };
      this.#watchers.add(look);
    });
  }
}

function setImmediateOnce(run: () => void): void {
  setImmediate(run);
}
