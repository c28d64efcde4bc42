/** What all connections of one gateway share. Made by compose.ts, handed down, never changed. */
import type { Publisher } from '@im/broadcast';
import type { FanOut, OnlineList } from '@im/groups';
import type { Limits } from '@im/protocol';
import type { Clock, Logger } from '@im/protocol/ports';
import type { RpcCaller } from '@im/rpc';
import type { GateRules } from './connection/command-gate.js';
import type { HeartbeatAnswers } from './connection/heartbeat-answers.js';
import type { TimerWheel } from './connection/timer-wheel.js';
import type { TurnQueue } from './connection/turn-queue.js';
import type { Unanswered } from './connection/unanswered.js';
import type { DeviceRule } from './devices/device-rule.js';
import type { GroupFeeds } from './feed/group-feeds.js';
import type { LogAccess } from './feed/log-access.js';
import type { GatewayMetrics } from './gateway-metrics.js';
import type { Settings } from './gateway-options.js';
import type { GatewayViewer } from './membership/gateway-viewer.js';
import type { ReplayChunks } from './membership/replay-chunks.js';
import type { PositionReports } from './positions/position-reports.js';
import type { SessionRegistry } from './session/session-registry.js';
import type { Tickets } from './session/ticket.js';
import type { UserRegister } from './user-register.js';
import type { TokenVerifier } from './verifier/token-verifier.js';

export interface Surroundings {
  readonly node: string;
  /** Unlike that of any other gateway, also of one with the same node id before a restart. */
  readonly incarnation: string;
  readonly settings: Settings;
  readonly limits: Limits;
  readonly gateRules: GateRules;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: GatewayMetrics;
  readonly wheel: TimerWheel;
  readonly heartbeats: HeartbeatAnswers;
  readonly hellos: TurnQueue;
  readonly unanswered: Unanswered;
  readonly fanOut: FanOut<GatewayViewer>;
  readonly feeds: GroupFeeds;
  readonly log: LogAccess;
  readonly replays: ReplayChunks;
  readonly maxReplay: number;
  readonly tickets: Tickets;
  readonly sessions: SessionRegistry;
  readonly devices: DeviceRule;
  readonly rpc: RpcCaller;
  readonly publisher: Publisher;
  readonly verifier: TokenVerifier;
  readonly online: OnlineList | undefined;
  readonly users: UserRegister | undefined;
  readonly positions: PositionReports | undefined;
  /** Runs something once, at the end of the turn. */
  afterTurn(run: () => void): void;
}
