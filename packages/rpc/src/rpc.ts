/**
 * The RPC interface that every engine implements (memory, ZeroMQ) and `./testing` proves: bytes in, bytes out.
 * Typed services stand above it (service-definition.ts). Must not know groups or gateways.
 */

import type { CancelSignal } from './cancellation.js';

/** JSON values by name that travel beside the body: caller, trace, effects … At most 8 KiB encoded. */
export type RpcHeaders = Readonly<Record<string, unknown>>;

/** A call being carried out, as far as calls made on its behalf inherit from it. */
export interface CallScope {
  readonly headers: RpcHeaders;
  /** Aborts at the deadline and when the caller cancels; its reason is the ImError that says which. */
  readonly signal: AbortSignal;
  /** Milliseconds left until the deadline, now; 0 when it has passed. */
  remainingMs(): number;
}

export interface CallOptions {
  /** The deadline, from now. Default 10,000, at most 3,600,000. */
  readonly timeoutMs?: number | undefined;
  /** Its abort cancels the call. Who makes very many calls does better with a {@link Cancellation}. */
  readonly signal?: CancelSignal | undefined;
  /** Encoded before the call returns its promise. */
  readonly headers?: RpcHeaders | undefined;
  /**
   * The call that this one is made on behalf of: its deadline bounds this one's, its cancellation cancels this one,
   * and its trace header is passed on.
   */
  readonly within?: CallScope | undefined;
  /** Repeating it is harmless, so it is retried when a worker was lost. */
  readonly idempotent?: boolean | undefined;
  /** The worker answers calls of one key once and repeats that answer, so it is retried when a worker was lost. */
  readonly idempotencyKey?: string | undefined;
  /** Calls of one key go to one worker; few keys move when workers come or go. */
  readonly routingKey?: string | undefined;
  /** A reply that came after the deadline or the cancellation; at most once, and never an error. */
  readonly onLate?: ((reply: RpcReply) => void) | undefined;
}

/** An empty body stands for no value. */
export interface RpcReply {
  /** May be a view into a larger buffer: copy what you keep. */
  readonly body: Uint8Array;
  readonly headers: RpcHeaders;
}

export interface RpcCaller {
  /**
   * Calls a method. The body is not copied and must not be changed until the call settles.
   * @throws ImError SERVICE_UNKNOWN, METHOD_UNKNOWN, OVERLOADED, UNAVAILABLE, QUEUE_FULL, DEADLINE_EXCEEDED, CANCELLED,
   * CALL_LOST, CLOSED, BODY_TOO_LARGE, INVALID_ARGUMENT, or whatever the worker threw. OVERLOADED, UNAVAILABLE and
   * QUEUE_FULL were never carried out; CALL_LOST may have been; DEADLINE_EXCEEDED and CANCELLED say so in `details.handedOut`.
   */
  call(service: string, method: string, body: Uint8Array, options?: CallOptions): Promise<RpcReply>;
  /**
   * Calls a method that may answer in parts. A slow reader slows the worker: 32 parts at most are on their way. Who leaves
   * the iteration early cancels the call.
   * @throws ImError as `call` does: by the iteration, and by `reply`
   */
  stream(service: string, method: string, body: Uint8Array, options?: CallOptions): RpcStream;
  /** Calls that are open fail with CLOSED. */
  close(): Promise<void>;
}

/** The parts of an answer in order, then the reply. Bodies may be views into larger buffers: copy what you keep. */
export interface RpcStream extends AsyncIterable<Uint8Array> {
  readonly reply: Promise<RpcReply>;
}

/** A call as the worker gets it. */
export interface RpcRequest extends CallScope {
  readonly service: string;
  readonly method: string;
  /** Must not be changed. */
  readonly body: Uint8Array;
  readonly idempotencyKey?: string | undefined;
  readonly routingKey?: string | undefined;
  /** Whether the caller takes parts. */
  readonly isStream: boolean;
  /**
   * Sends a part of the answer; settles when the next may follow. The part must not be changed until then.
   * @throws ImError INVALID_ARGUMENT when the caller takes none, BODY_TOO_LARGE, or why the call has ended
   */
  send(part: Uint8Array): Promise<void>;
}

/** What a worker offers under one name. */
export interface ServedService {
  /** `[a-zA-Z][A-Za-z0-9_-]{0,63}`; names that begin with `$` are the engine's own. */
  readonly name: string;
  /** Of the code, for canary and hot update. */
  readonly version: string;
  /** Calls of other methods are refused with METHOD_UNKNOWN, unless another worker of the service has them. */
  readonly methods: readonly string[];
  /** Calls carried out at once; more wait. Default 256. */
  readonly concurrency?: number | undefined;
  /** Throws ImError to answer an error; anything else thrown is answered INTERNAL and logged by the engine. */
  handle(request: RpcRequest): Promise<RpcReply>;
}

export interface Registration {
  /** Takes no new calls, answers those it has, then withdraws. Settles after the last deadline at the latest. */
  drain(): Promise<void>;
}

export interface RpcWorker {
  /** Settles when callers can reach it. @throws ImError INVALID_ARGUMENT, OVERLOADED (too many services), CLOSED */
  serve(service: ServedService): Promise<Registration>;
  /** Drains all. */
  close(): Promise<void>;
}

/** One engine, composed by the app. */
export interface Rpc {
  createCaller(): RpcCaller;
  createWorker(): RpcWorker;
  /** Drains the workers, then closes the callers. */
  close(): Promise<void>;
}
