/** Options of all sockets of the bus, and why. */
import { MAX_BODY_BYTES } from '@im/protocol';

/**
 * Packs under way between two processes, by lane. Few on the priority lane: what is full pushes back on publishers, and
 * what waits longest waits short.
 */
export const HIGH_WATER_MARK = { normal: 128, priority: 1_000 } as const;
/** Subscriptions under way: beyond, plain sockets lose them silently. */
export const SUBSCRIPTION_MARK = 0;
/** Packs read in one go, before others get their turn of the event loop. */
export const READ_AT_ONCE = 32;

export const COMMON = {
  // What was sent just before closing still goes out.
  linger: 250,
  // One message to 65,535 groups, and a pack that was nearly full.
  maxMessageSize: 8_388_608 + MAX_BODY_BYTES,
  // A host that vanished is found out by ZeroMQ itself, also when its program is busy.
  heartbeatInterval: 1_000,
  heartbeatTimeout: 3_000,
  heartbeatTimeToLive: 3_000,
  tcpKeepalive: 1,
} as const;

export const RECONNECT = { reconnectInterval: 50, reconnectMaxInterval: 500 } as const;

/** Addresses that no other host reaches. */
export const LOCAL = /^(ipc|inproc):\/\/|^tcp:\/\/(127\.\d+\.\d+\.\d+|\[::1\]|localhost):/;
