/** Limits that hold for every engine. */

/** Deadline of a call that names none. */
export const DEFAULT_TIMEOUT_MS = 10_000;
/** Longer deadlines are cut to this: nothing may stay open for ever. */
export const MAX_TIMEOUT_MS = 3_600_000;
/** Headers of one call or reply, encoded. */
export const MAX_HEADER_BYTES = 8_192;
/** Body of one call or reply, unless the engine is configured otherwise. */
export const DEFAULT_MAX_BODY_BYTES = 1_048_576;
/** Calls that one worker carries out at once, unless its service says otherwise. */
export const DEFAULT_CONCURRENCY = 256;
/** Calls that wait in front of one service, unless the engine is configured otherwise. */
export const DEFAULT_QUEUE_LIMIT = 1_024;
/** Services one engine knows, unless configured otherwise. */
export const DEFAULT_MAX_SERVICES = 1_024;
