/**
 * What Redis, or the way to it, answered, as an ImError. The first word of an error reply is part of the Redis protocol;
 * the rest is for people.
 */
import { ImError } from '@im/protocol';

/** It cannot serve this now; another try, or another server, may. */
const PASSING = new Set([
  'BUSY',
  'CLUSTERDOWN',
  'LOADING',
  'MASTERDOWN',
  'MISCONF',
  'NOREPLICAS',
  'READONLY',
  'TRYAGAIN',
]);
/** No further try helps: somebody must change a setting. */
const REFUSED = new Set(['NOAUTH', 'NOPERM', 'WRONGPASS']);

/** @param address for the message: without user and password */
export function redisError(thrown: unknown, address: string): ImError {
  if (thrown instanceof ImError) return thrown;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  const word = replyWord(thrown);
  if (word === undefined || PASSING.has(word)) {
    return new ImError('STORE_UNAVAILABLE', {
      message: `Redis at ${address} cannot be used now: ${text}`,
      cause: thrown,
    });
  }
  if (word === 'OOM') return new ImError('STORE_FULL', { message: `Redis at ${address} has no room`, cause: thrown });
  if (REFUSED.has(word)) {
    const mistake = `Redis at ${address} refused user or password, or what they may do: ${text}`;
    return new ImError('CONFIG_INVALID', { message: mistake, details: { mistakes: [mistake] }, cause: thrown });
  }
  return new ImError('INTERNAL', { message: `Redis at ${address} answered an error`, cause: thrown });
}

export function isUnknownScript(thrown: unknown): boolean {
  return replyWord(thrown) === 'NOSCRIPT';
}

/** Whether the server answered; the rest went wrong on the way. */
export function isReply(thrown: unknown): boolean {
  return replyWord(thrown) !== undefined;
}

/** The first word of an error reply; undefined for what went wrong on the way. */
function replyWord(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || thrown.name !== 'ReplyError') return undefined;
  return thrown.message.split(' ', 1)[0];
}
