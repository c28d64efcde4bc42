/**
 * The RPC interface that every engine implements (memory, ZeroMQ) and `./testing` proves: bytes in, bytes out.
 * Typed services stand above it (service.ts). Must not know groups or gateways.
 */

/** JSON values by name that travel beside the body: caller, trace, effects … Small: at most 8 KiB encoded. */
export type RpcHeaders = Readonly<Record<string, unknown>>;

export interface CallOptions {
  /** The deadline, from now. Nested calls inherit what is left of it. Default 10,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly headers?: RpcHeaders;
  /** The caller may repeat it and the worker answers the same: such calls are retried when a worker is lost. */
  readonly idempotencyKey?: string;
  /** Calls of one key go to one worker while it lives. */
  readonly routingKey?: string;
  /** An answer that came after the deadline or the cancellation; at most once. */
  readonly onLate?: (reply: RpcReply) => void;
}

export interface RpcReply {
  readonly body: Uint8Array;
  readonly headers: RpcHeaders;
}

export interface RpcCaller {
  /**
   * Calls a method. The body is not copied and must not be changed until the call settles.
   * @throws ImError SERVICE_UNKNOWN, METHOD_UNKNOWN, OVERLOADED, UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED, CLOSED,
   * or whatever the worker threw
   */
  call(service: string, method: string, body: Uint8Array, options?: CallOptions): Promise<RpcReply>;
  close(): Promise<void>;
}

/** A call as the worker gets it. */
export interface RpcRequest {
  readonly service: string;
  readonly method: string;
  readonly body: Uint8Array;
  readonly headers: RpcHeaders;
  /** Time left when it arrived. */
  readonly timeoutMs: number;
  /** Aborts at the deadline and when the caller cancels. */
  readonly signal: AbortSignal;
  readonly idempotencyKey?: string;
  readonly routingKey?: string;
}

/** What a worker offers under one name. */
export interface ServedService {
  readonly name: string;
  /** Of the code, for canary and hot update. */
  readonly version: string;
  readonly methods: readonly string[];
  /** Calls carried out at once; more wait. Default 256. */
  readonly concurrency?: number;
  /** Throws ImError to answer an error; anything else thrown is answered INTERNAL and logged by the engine. */
  handle(request: RpcRequest): Promise<RpcReply>;
}

export interface Registration {
  /** Takes no new calls, answers those it has, then withdraws. */
  drain(): Promise<void>;
}

export interface RpcWorker {
  /** Settles when callers can reach it. */
  serve(service: ServedService): Promise<Registration>;
  /** Drains all. */
  close(): Promise<void>;
}

/** One engine, composed by the app. */
export interface Rpc {
  createCaller(): RpcCaller;
  createWorker(): RpcWorker;
  close(): Promise<void>;
}
