/** Makes the parts of a gateway and shows them to each other. Composition only: each part's rules live in the part. */
import { randomBytes } from 'node:crypto';
import { FanOut } from '@im/groups';
import { systemClock } from '@im/protocol/clock';
import { noMetrics, silentLogger } from '@im/protocol/ports';
import { GateRules } from './connection/command-gate.js';
import { HeartbeatAnswers } from './connection/heartbeat-answers.js';
import { Pace } from './connection/pace.js';
import { TimerWheel } from './connection/timer-wheel.js';
import { TurnQueue } from './connection/turn-queue.js';
import { Unanswered } from './connection/unanswered.js';
import { deliver } from './deliver.js';
import { DeviceRule } from './devices/device-rule.js';
import { GroupFeeds } from './feed/group-feeds.js';
import { LogAccess } from './feed/log-access.js';
import { createGatewayMetrics } from './gateway-metrics.js';
import { type GatewayOptions, readSettings } from './gateway-options.js';
import type { GatewayViewer } from './membership/gateway-viewer.js';
import { ReplayChunks } from './membership/replay-chunks.js';
import { PositionReports } from './positions/position-reports.js';
import { QuietLogger } from './quiet-logger.js';
import { SessionRegistry } from './session/session-registry.js';
import { Tickets } from './session/ticket.js';
import type { Surroundings } from './surroundings.js';
import { ChunkDeflater } from './transport/ws/chunk-deflater.js';
import { WebSocketWires } from './transport/ws/ws-wires.js';

/** How late a deadline of a connection may be noticed. */
const TICK_MS = 100;
/** Connections that are read and have not said anything, so that they cannot all do so in one turn: for longer than a frame, that is. */
const MAX_SILENT = 512;
/** One takes what its client has sent, at most 64 KiB. */
const MAX_WAITING_HANDSHAKES = 20_000;

export interface Parts {
  readonly surroundings: Surroundings;
  /** For transports: */
  readonly wires: WebSocketWires;
  readonly pace: Pace;
  readonly handshakes: TurnQueue;
}

/** @throws ImError CONFIG_INVALID */
export function compose(options: GatewayOptions): Parts {
  const { settings, limits } = readSettings(options);
  const { clock = systemClock, afterTurn = setImmediateOnce, users } = options;
  const metrics = createGatewayMetrics(options.metrics ?? noMetrics);
  const logger = new QuietLogger(options.logger ?? silentLogger, clock);
  const tickets = new Tickets(options.ticketKeys);
  const wheel = new TimerWheel(clock, TICK_MS);
  const pace = new Pace(clock, afterTurn);
  const publisher = options.broadcast.createPublisher();
  const log = new LogAccess(options.log, { clock, timeoutMs: settings.storeTimeoutMs, afterTurn });
  const sessions = new SessionRegistry({ clock, ttlMs: settings.sessionTtlMs, maxLost: settings.maxLostSessions });
  const fanOut = new FanOut<GatewayViewer>({
    clock,
    metrics: options.metrics ?? noMetrics,
    afterTurn,
    framesPerSecond: settings.framesPerSecond,
    messagesPerFrame: settings.messagesPerFrame,
    bytesPerFrame: settings.bytesPerFrame,
    ...(options.messagesPerFrameByKind !== undefined && { messagesPerFrameByKind: options.messagesPerFrameByKind }),
    ...(options.framesPerSecondByKind !== undefined && { framesPerSecondByKind: options.framesPerSecondByKind }),
    onFirstMember: (group) => feeds.open(group),
    onLastMember: (group) => feeds.close(group),
  });
  const feeds = new GroupFeeds({
    broadcast: options.broadcast,
    log,
    clock,
    settleTimeoutMs: settings.storeTimeoutMs,
    publish: (delivery) => deliver(delivery, surroundings),
    lost: (group, count) => fanOut.lost(group, count),
    pulled: metrics.pulled,
    lostVersions: metrics.lostVersions,
  });
  const { devices = 'all', devicesByProduct = {} } = options;
  const surroundings: Surroundings = {
    node: options.node,
    incarnation: randomBytes(9).toString('base64url'),
    settings,
    limits,
    gateRules: new GateRules(limits),
    hellos: new TurnQueue({
      maxRunning: settings.maxAuthenticating,
      maxWaiting: settings.maxWaitingHellos,
      nextTurn: pace.next,
      refused: metrics.refusedHellos,
    }),
    clock,
    logger,
    metrics,
    wheel,
    heartbeats: new HeartbeatAnswers({ wheel, nextTurn: afterTurn }),
    unanswered: new Unanswered({
      wheel,
      stallMs: settings.stallMs,
      bytes: metrics.backlogBytes,
      nextTurn: afterTurn,
    }),
    fanOut,
    feeds,
    log,
    replays: new ReplayChunks(),
    maxReplay: settings.maxReplay,
    tickets,
    sessions,
    devices: new DeviceRule({
      policyOf: (product) => (product === undefined ? devices : (devicesByProduct[product] ?? devices)),
      sessions,
      publisher,
      users,
      clock,
      logger,
    }),
    rpc: options.rpc,
    publisher,
    verifier: options.verifier,
    online: options.online,
    users,
    positions:
      options.positions &&
      new PositionReports({ sink: options.positions, feeds, clock, logger, dropped: metrics.droppedPositions }),
    afterTurn,
  };
  const handshakes = new TurnQueue({
    maxRunning: MAX_SILENT,
    maxWaiting: MAX_WAITING_HANDSHAKES,
    nextTurn: pace.next,
    refused: metrics.refusedHandshakes,
  });
  return { surroundings, wires: new WebSocketWires(new ChunkDeflater(clock, metrics.deflate)), pace, handshakes };
}

function setImmediateOnce(run: () => void): void {
  setImmediate(run);
}
