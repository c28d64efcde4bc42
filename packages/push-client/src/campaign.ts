/**
 * A message for very many users, spread over time: one that reaches them all in one moment has them all answer in one.
 * Owns pace, repetition and progress. Must not know how a push travels: that is the client's business.
 */
import { randomUUID } from 'node:crypto';
import type { PublishedMany } from '@im/broadcast';
import { ImError } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import type { Clock } from '@im/protocol/ports';
import { NOTHING_TAKEN } from './attempt.js';
import { pause } from './pause.js';
import { invalid } from './publication.js';
import { MAX_USERS, type PushClient, type PushMessage, type PushOptions } from './push-client.js';

/** Without receipts: what a campaign is for is more people than one receipt counts. */
export interface CampaignOptions extends Omit<PushOptions, 'receipt'> {
  /** Read as the campaign goes on, so that they may come from a database; whoever is named twice is reached twice. */
  readonly users: Iterable<string> | AsyncIterable<string>;
  /** On the priority lane a message without id is given one, so that repeating is safe. */
  readonly message: PushMessage;
  /** Default 1,000. */
  readonly usersPerSecond?: number | undefined;
  /** Ends it before the next push, with CANCELLED. */
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock | undefined;
}

/** After each push of the campaign. */
export interface CampaignProgress {
  /** Users so far whose push was taken, and those given up. */
  readonly published: number;
  readonly failed: number;
  /** Of the last push: by group, why it was given up. */
  readonly failures: ReadonlyMap<string, Error>;
}

/** Pushes a second, while there are enough users for more than one each. */
const PUSHES_PER_SECOND = 10;
const RETRIES = 5;
const FIRST_PAUSE_MS = 250;

/**
 * Pushes as long as it is iterated: each turn of the loop is one push of some users, taken at its time. What fails
 * retryably is repeated five times with growing pauses, on the normal lane only where nothing was taken; then it counts
 * as failed, and the campaign goes on.
 * @throws ImError INVALID_ARGUMENT, GROUP_INVALID, BODY_TOO_LARGE, CANCELLED, CLOSED
 */
export async function* pushCampaign(client: PushClient, options: CampaignOptions): AsyncGenerator<CampaignProgress> {
  const { users, usersPerSecond = 1_000, signal, clock = systemClock, acknowledge, product } = options;
  if (!(usersPerSecond > 0 && Number.isFinite(usersPerSecond))) throw invalid('usersPerSecond', 'not above 0');
  const size = Math.min(MAX_USERS, Math.max(1, Math.floor(usersPerSecond / PUSHES_PER_SECOND)));
  const message = repeatable(options.message);
  const push = (names: readonly string[]) => client.toUsers(names, message, { acknowledge, product });
  let [published, failed, due] = [0, 0, clock.monotonic()];
  for await (const batch of inBatches(users, size)) {
    await pause(due - clock.monotonic(), clock, signal);
    // One that is late delays those after it: what was missed is not made up for in a burst.
    due = Math.max(due, clock.monotonic()) + (batch.length / usersPerSecond) * 1_000;
    const { reached, failures } = await persist(batch, push, message, { clock, signal });
    published += reached;
    failed += failures.size;
    yield { published, failed, failures };
  }
}

interface Persistence {
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}

async function persist(
  batch: readonly string[],
  push: (users: readonly string[]) => Promise<PublishedMany>,
  { lane }: PushMessage,
  { clock, signal }: Persistence,
): Promise<{ reached: number; failures: ReadonlyMap<string, Error> }> {
  let users = batch;
  let reached = 0;
  const failures = new Map<string, Error>();
  for (let retry = 0; ; retry += 1) {
    const { published, failed } = await push(users).catch((error: unknown) => allFailed(users, ImError.wrap(error)));
    reached += published.length;
    const again: string[] = [];
    for (const [group, error] of failed) {
      if (retry < RETRIES && mayRepeat(error, lane)) again.push(group.slice('u:'.length));
      else failures.set(group, error);
    }
    if (again.length === 0) return { reached, failures };
    users = again;
    await pause(FIRST_PAUSE_MS * 2 ** retry, clock, signal);
  }
}

/** @throws what a repetition of the whole campaign would meet again */
function allFailed(users: readonly string[], error: ImError): PublishedMany {
  if (!error.retryable) throw error;
  return { published: [], failed: new Map(users.map((user) => [`u:${user}`, error])) };
}

function mayRepeat(error: Error, lane: PushMessage['lane']): boolean {
  return error instanceof ImError && error.retryable && (lane === 'priority' || NOTHING_TAKEN.has(error.name));
}

function repeatable(message: PushMessage): PushMessage {
  return message.lane === 'priority' && message.id === undefined ? { ...message, id: randomUUID() } : message;
}

async function* inBatches(users: CampaignOptions['users'], size: number): AsyncGenerator<readonly string[]> {
  let batch: string[] = [];
  for await (const user of users) {
    batch.push(user);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
