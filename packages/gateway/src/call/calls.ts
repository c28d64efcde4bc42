/**
 * The unanswered calls of one connection: forwarded to workers, answered once each, their effects carried out in between.
 * Bodies pass through unread. Must not know frames, rates or how sessions begin.
 *
 * | from       | to         | cause |
 * |------------|------------|-------|
 * | —          | waiting    | call: forwarded |
 * | waiting    | answering  | the worker answered in time: its effects are being carried out |
 * | waiting    | withdrawn  | cancel, connection gone: the worker is told; effects that still come are rejected |
 * | waiting    | answered   | the worker failed, or nobody answered before the deadline: error |
 * | answering  | answered   | effects are done, or failed: reply or error; the deadline: error, effects that have not taken hold are rejected |
 * | withdrawn  | answered   | cancel: error CANCELLED; connection gone: nothing |
 */
import {
  type Call,
  type CallerContext,
  CONNECTION_HEADER,
  EFFECTS_HEADER,
  ImError,
  type ServerMessage,
} from '@im/protocol';
import { Cancellation, type RpcReply } from '@im/rpc';
import type { Session } from '../session/session.js';
import type { Surroundings } from '../surroundings.js';
import { applyEffects } from './effect-application.js';
import { EffectsMistake, readEffects } from './effects.js';
import { type RejectionReason, tellRejected } from './rejected-effects.js';

const NO_BODY = new Uint8Array(0);

interface PendingCall {
  readonly call: Call<Uint8Array>;
  readonly service: string;
  readonly method: string;
  readonly sequence: number;
  readonly cancellation: Cancellation;
  readonly startedAt: number;
  readonly timeoutMs: number;
  phase: 'waiting' | 'answering' | 'withdrawn' | 'answered';
  /** Why effects that still come are rejected. */
  rejection: RejectionReason;
}

/** The connection, as calls see it. */
export interface Answering {
  /** Sends the one answer of a call. */
  answer(message: ServerMessage<Uint8Array> & { readonly id?: number }): void;
  fail(id: number, error: ImError): void;
}

export class Calls {
  readonly #surroundings: Surroundings;
  readonly #connection: Answering;
  readonly #pending = new Map<number, PendingCall>();

  constructor(surroundings: Surroundings, connection: Answering) {
    this.#surroundings = surroundings;
    this.#connection = connection;
  }

  /** Sequence of the earliest call whose effects may still come. */
  get earliest(): number | undefined {
    // Sequences rise with insertion.
    for (const { sequence } of this.#pending.values()) return sequence;
    return undefined;
  }

  /** Whether none is unanswered. */
  get isEmpty(): boolean {
    return this.#pending.size === 0;
  }

  /** The id must not be in use. */
  start(call: Call<Uint8Array>, session: Session): void {
    const { clock, limits } = this.#surroundings;
    const dot = call.method.indexOf('.');
    const pending: PendingCall = {
      call,
      service: call.method.slice(0, dot),
      method: call.method.slice(dot + 1),
      sequence: session.nextSequence(),
      cancellation: new Cancellation(),
      startedAt: clock.monotonic(),
      timeoutMs: Math.min(call.timeoutMs ?? limits.callTimeoutMs, limits.callTimeoutMs),
      phase: 'waiting',
      rejection: 'timed-out',
    };
    this.#pending.set(call.id, pending);
    void this.#perform(pending, session);
  }

  /** PR-54 */
  cancel(id: number): void {
    const pending = this.#pending.get(id);
    if (pending?.phase === 'waiting') this.#withdraw(pending, 'cancelled');
  }

  /** The connection is gone: nothing is answered any more (PR-69). */
  abandon(): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const each of pending) {
      if (each.phase === 'waiting') this.#withdraw(each, 'disconnected');
      else each.phase = 'withdrawn';
    }
  }

  #withdraw(pending: PendingCall, reason: RejectionReason): void {
    pending.phase = 'withdrawn';
    pending.rejection = reason;
    pending.cancellation.abort();
  }

  async #perform(pending: PendingCall, session: Session): Promise<void> {
    try {
      const reply = await this.#forward(pending, session);
      if (pending.phase === 'waiting') {
        pending.phase = 'answering';
        const error = await this.#carryOut(pending, reply, session);
        this.#surroundings.positions?.take(session, pending.call.since);
        this.#settle(pending, error ?? reply, session);
      } else {
        this.#reject(pending, reply, session);
        this.#settle(pending, new ImError('CANCELLED'), session);
      }
    } catch (thrown) {
      this.#settle(pending, ImError.wrap(thrown), session);
    }
  }

  #forward(pending: PendingCall, session: Session): Promise<RpcReply> {
    const { call, service, method, cancellation, timeoutMs } = pending;
    return this.#surroundings.rpc.call(service, method, call.data ?? NO_BODY, {
      timeoutMs,
      signal: cancellation,
      headers: { [CONNECTION_HEADER]: this.#context(pending, session) },
      onLate: (reply) => this.#reject(pending, reply, session),
      ...(call.key !== undefined && { idempotencyKey: idempotencyKey(session, call.key) }),
    });
  }

  #context({ sequence }: PendingCall, session: Session): CallerContext {
    const { user, product, claims } = session.identity;
    return {
      gateway: this.#surroundings.node,
      session: session.id,
      user,
      device: session.device,
      platform: session.platform,
      ...(product !== undefined && { product }),
      address: session.address,
      sequence,
      attributes: session.attributes,
      claims,
    };
  }

  /** @returns what the call is answered with instead of its reply. @throws ImError INTERNAL */
  async #carryOut(pending: PendingCall, reply: RpcReply, session: Session): Promise<ImError | undefined> {
    const effects = readEffects(reply.headers[EFFECTS_HEADER]);
    const surroundings = this.#surroundings;
    const { sequence, call, startedAt, timeoutMs } = pending;
    if (effects instanceof EffectsMistake) {
      surroundings.logger.error('a worker answered effects that are none', {
        method: call.method,
        mistake: effects.mistake,
      });
      throw new ImError('INTERNAL');
    }
    if (effects.length === 0) return undefined;
    try {
      const effectful = { sequence, since: call.since, deadline: startedAt + timeoutMs };
      const { rejected, error } = await applyEffects(effects, effectful, session, surroundings);
      for (const [reason, list] of rejected) tellRejected(pending, list, reason, session, surroundings);
      return error;
    } catch (thrown) {
      const error = ImError.wrap(thrown);
      surroundings.logger.error('effects cannot be carried out', { method: call.method, error });
      throw error;
    }
  }

  /** PR-69: what came after the call was answered with an error, cancelled, or lost its connection. */
  #reject(pending: PendingCall, reply: RpcReply, session: Session): void {
    const effects = readEffects(reply.headers[EFFECTS_HEADER]);
    if (effects instanceof EffectsMistake) return;
    tellRejected(pending, effects, pending.rejection, session, this.#surroundings);
  }

  #settle(pending: PendingCall, outcome: RpcReply | ImError, session: Session): void {
    const { call, startedAt } = pending;
    const { clock, metrics } = this.#surroundings;
    pending.phase = 'answered';
    if (this.#pending.get(call.id) !== pending) return;
    this.#pending.delete(call.id);
    if (this.isEmpty) session.allCallsAnswered();
    metrics.callSeconds.observe((clock.monotonic() - startedAt) / 1000);
    if (outcome instanceof ImError) this.#connection.fail(call.id, outcome);
    else
      this.#connection.answer({ type: 'reply', id: call.id, ...(outcome.body.length > 0 && { data: outcome.body }) });
  }
}

/** PR-56: the same key of another user is another key. */
function idempotencyKey({ identity: { product, user } }: Session, key: string): string {
  return `${product ?? ''}/${user}/${key}`;
}
