/** Options that all our sockets share, and why. */

/** Bound of what is on its way, in messages: a pack holds up to 64 KiB and some attachments. */
const HIGH_WATER_MARK = 256;
/** What was sent just before closing still goes out. */
const LINGER_MS = 250;

export interface SocketLimits {
  readonly maxBodyBytes: number;
}

export function socketOptions({ maxBodyBytes }: SocketLimits) {
  return {
    linger: LINGER_MS,
    sendHighWaterMark: HIGH_WATER_MARK,
    receiveHighWaterMark: HIGH_WATER_MARK,
    // Of one frame: a pack is full from 64 KiB on, and its last record may hold headers and a small body.
    maxMessageSize: Math.max(maxBodyBytes, 131_072) + 16_384,
    // A host that vanished is found out by ZeroMQ itself, also when its program is busy.
    heartbeatInterval: 1_000,
    heartbeatTimeout: 3_000,
    heartbeatTimeToLive: 3_000,
    tcpKeepalive: 1,
  } as const;
}

/** Messages read in one go, before others get their turn of the event loop. */
export const READ_AT_ONCE = 32;
