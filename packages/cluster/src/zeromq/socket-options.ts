/** Options of all sockets of the cluster, and why. */
import type { Context } from 'zeromq';

/** Heartbeats under way from all members: those that do not fit are repeated a second later. */
export const HEARTBEATS_UNDER_WAY = 4_096;
/** To one peer: what it does not take is of no use to it later. */
export const TO_ONE_PEER = 16;
/** Messages read in one go, before others get their turn of the event loop. */
export const READ_AT_ONCE = 32;

export const RECONNECT = { reconnectInterval: 50, reconnectMaxInterval: 300 } as const;
/** By then whoever can reach a manager that has just started has connected: attempts wait a random while longer. */
export const RECONNECTED_MS = 500;

/** Addresses that no other host reaches. */
export const LOCAL = /^(ipc|inproc):\/\/|^tcp:\/\/(127\.\d+\.\d+\.\d+|\[::1\]|localhost):/;

/** @param maxMessageSize whoever sends more is disconnected before it is read */
export function commonOptions(maxMessageSize: number, context: Context | undefined) {
  return {
    // A farewell still goes out.
    linger: 250,
    maxMessageSize,
    // A host that vanished is found out by ZeroMQ itself, also when its program is busy.
    heartbeatInterval: 1_000,
    heartbeatTimeout: 3_000,
    heartbeatTimeToLive: 3_000,
    tcpKeepalive: 1,
    ...(context !== undefined && { context }),
  } as const;
}
