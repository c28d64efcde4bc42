/** Owns: how much of which logs is kept. */

const DAY_MS = 86_400_000;
const MIB = 1_048_576;

/** Gifts of a room: enough for everybody who comes back within a few minutes. */
export const ROOMS = { maxEntries: 2_000, maxBytes: MIB, maxAgeMs: 600_000 };
/** What a person's devices have to learn on return. */
const NOTICES = { maxEntries: 10_000, maxBytes: 16 * MIB, maxAgeMs: 90 * DAY_MS };
/** Conversations. */
const MESSAGES = { maxEntries: 100_000, maxBytes: 64 * MIB, maxAgeMs: 3_650 * DAY_MS };
/** What is to be told of people who are not connected: worth nothing later. */
const OUTBOX = { maxEntries: 100_000, maxBytes: 64 * MIB, maxAgeMs: 3_600_000 };
/** Of logs that are kept on disk, by kind. */
export const STORED = { default: NOTICES, kinds: { d: MESSAGES, g: MESSAGES, offline: OUTBOX } };
