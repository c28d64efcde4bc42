/** Owns: what services read from a call beside its input, and what they hand back beside their output. */
import {
  type CallerContext,
  CONNECTION_HEADER,
  EFFECTS_HEADER,
  type Effect,
  ImError,
  type Terms,
  withProduct,
} from '@im/protocol';
import type { HandlerContext, RpcReply, RpcRequest } from '@im/rpc';
import { applicationError } from './application-errors.js';
import { digest } from './digest.js';

/** A role: may remove people. */
export const MODERATOR = 'moderator';

/** The person behind a call. */
export interface Person {
  readonly user: string;
  readonly name: string;
}

/**
 * Who calls, as the gateway that holds the connection says.
 * @throws ImError FORBIDDEN for calls that come from no connection
 */
export function callerOf({ headers }: Pick<HandlerContext, 'headers'>): CallerContext {
  const caller = headers[CONNECTION_HEADER];
  if (typeof caller !== 'object' || caller === null) {
    throw new ImError('FORBIDDEN', { message: 'only clients call this, through a gateway' });
  }
  return caller as CallerContext;
}

const MAX_NAME = 64;

/** The name is what the token says, else the user id. */
export function personOf({ user, claims }: CallerContext): Person {
  const { name } = claims;
  return { user, name: typeof name === 'string' && name !== '' ? name.slice(0, MAX_NAME) : user };
}

/** Roles, as tokens name them, whose words go before those of others in a room that gets more than it can show. */
const RESERVED_ROLES: ReadonlySet<unknown> = new Set(['host', MODERATOR]);

/** What becomes of a person's words there: everyone has a share, the host's and moderators' go first. */
export function termsOf({ user, claims }: CallerContext): Terms {
  return RESERVED_ROLES.has(claims.role) ? { sender: user, reserved: true } : { sender: user };
}

/** A group as the bus and the online list know it. */
export function groupOf({ product }: CallerContext, group: string): string {
  return withProduct(product, group);
}

/**
 * The message id that stands for this call: the same for every repeat of it by the same person, and unlike any other.
 * @throws ImError KEY_REQUIRED
 */
export function messageIdOf(
  { idempotencyKey }: Pick<HandlerContext, 'idempotencyKey'>,
  caller: CallerContext,
  method: string,
): string {
  if (idempotencyKey === undefined) throw applicationError('KEY_REQUIRED');
  return digest(method, caller.product ?? '', caller.user, idempotencyKey);
}

/** Under which key a call is answered once: the caller's own, so that nobody is given the answer to another. */
export function callKeyOf(request: RpcRequest): string | undefined {
  if (request.idempotencyKey === undefined) return undefined;
  const { product, user } = callerOf(request);
  return `${withProduct(product, user)} ${request.idempotencyKey}`;
}

/**
 * What happens to a connection is decided for one call: an earlier answer that lets somebody in may be out of date, and would
 * undo a removal, for it counts as decided when it is given.
 */
export function hasNoEffects({ headers }: RpcReply): boolean {
  return headers[EFFECTS_HEADER] === undefined;
}

/** What shall happen to the caller's connection, with the reply. */
export function addEffects(
  { replyHeaders }: Pick<HandlerContext, 'replyHeaders'>,
  ...effects: readonly Effect[]
): void {
  replyHeaders[EFFECTS_HEADER] = effects;
}
