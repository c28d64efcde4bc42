/**
 * The caller's end: open calls, their deadlines and cancellations, and which broker gets them. State and rules; links
 * come from connectors. What a broker does with a call, is the broker's business.
 */
import { ImError } from '@im/protocol';
import { abortError, deadlineExceeded, effectiveHeaders, effectiveTimeoutMs, withHandedOut } from '../call-terms.js';
import { BrokerConnection } from '../connection/broker-connection.js';
import type { EndOptions } from '../connection/end-options.js';
import { DeadlineLists, wholeMs } from '../deadlines/deadline-lists.js';
import { isName, isText, MAX_KEY_LENGTH } from '../names.js';
import type { CallOptions, RpcCaller, RpcReply, RpcStream } from '../rpc.js';
import type { PackReader } from '../wire/pack-reader.js';
import { FLAG, KIND } from '../wire/record.js';
import { checkBody, decodeError, decodeHeaders, encodeHeaders, takeTrace } from '../wire-values.js';
import { BrokerChoice } from './broker-choice.js';
import { PartQueue } from './part-queue.js';
import { PendingCall, type PendingTerms } from './pending-call.js';
import { PendingCalls } from './pending-calls.js';

const NO_OPTIONS: CallOptions = {};
/** How long the broker may take to say whether a call that ends had been handed out. */
const ENDING_MS = 250;
/** How long a reply that is wanted though it is late is waited for. */
const LATE_MS = 600_000;

export class Caller implements RpcCaller {
  readonly #options: EndOptions;
  readonly #connections: readonly BrokerConnection[];
  readonly #brokers: BrokerChoice;
  readonly #pending = new PendingCalls();
  readonly #deadlines: DeadlineLists<PendingCall>;
  /** Calls without a broker, in order. */
  readonly #waiting = new Set<PendingCall>();
  #closed = false;

  constructor(options: EndOptions) {
    this.#options = options;
    const { clock, random, connectors } = options;
    this.#deadlines = new DeadlineLists(clock, (call) => this.#expire(call));
    this.#connections = connectors.map((connector) => {
      const connection: BrokerConnection = new BrokerConnection({
        clock,
        random,
        connector,
        onUp: () => this.#sendWaiting(),
        onDown: () => this.#lose(connection),
        onRecord: (reader) => this.#record(connection, reader),
      });
      return connection;
    });
    this.#brokers = new BrokerChoice(this.#connections);
    for (const connection of this.#connections) connection.open();
  }

  call(service: string, method: string, body: Uint8Array, options = NO_OPTIONS): Promise<RpcReply> {
    return new Promise((resolve, reject) => {
      this.#begin(new PendingCall(this.#terms(service, method, body, options, undefined), resolve, reject));
    });
  }

  stream(service: string, method: string, body: Uint8Array, options = NO_OPTIONS): RpcStream {
    let call: PendingCall | undefined;
    const parts = new PartQueue({
      onRead: (count) => {
        if (call?.stage !== 'sent' || call.connection === undefined) return;
        call.connection.writer.more(call.id, count);
        call.connection.touch();
      },
      onReturn: () => {
        if (call !== undefined) this.#cancel(call, new ImError('CANCELLED', { details: { handedOut: true } }));
      },
    });
    const reply = new Promise<RpcReply>((resolve, reject) => {
      call = new PendingCall(this.#terms(service, method, body, options, parts), resolve, reject);
      this.#begin(call);
    });
    reply.then(
      () => parts.end(),
      (error: Error) => parts.end(error),
    );
    return Object.assign(parts, { reply });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const call of this.#pending) this.#fail(call, new ImError('CLOSED'));
    this.#deadlines.close();
    await Promise.all(this.#connections.map((connection) => connection.close()));
    this.#options.onClose();
  }

  #terms(
    service: string,
    method: string,
    body: Uint8Array,
    options: CallOptions,
    parts: PartQueue | undefined,
  ): PendingTerms {
    if (this.#closed) throw new ImError('CLOSED');
    checkBody(body, this.#options.maxBodyBytes);
    if (service !== '$broker' && !isName('service', service)) throw new ImError('SERVICE_UNKNOWN');
    if (!isName('method', method)) throw new ImError('METHOD_UNKNOWN');
    checkKey('idempotencyKey', options.idempotencyKey);
    checkKey('routingKey', options.routingKey);
    const { headers, trace } = takeTrace(effectiveHeaders(options));
    const flags =
      (options.idempotent === true ? FLAG.idempotent : 0) |
      (parts === undefined ? 0 : FLAG.stream) |
      (options.onLate === undefined ? 0 : FLAG.late);
    return { service, method, body, headers: encodeHeaders(headers), trace, flags, options, parts };
  }

  #begin(call: PendingCall): void {
    const { options } = call.terms;
    const { signal, within } = options;
    const timeoutMs = effectiveTimeoutMs(options);
    if (signal?.aborted) throw abortError(signal, false);
    if (within?.signal.aborted) throw abortError(within.signal, false);
    if (!this.#pending.add(call)) throw new ImError('QUEUE_FULL', { details: { limit: 'open calls' } });
    this.#deadlines.add(call, timeoutMs, this.#options.clock.monotonic());
    if (signal || within) call.listen((aborted) => this.#cancel(call, abortError(aborted, true)));
    const connection = this.#brokers.choose();
    if (connection === undefined) this.#waiting.add(call);
    else if (connection.congested) {
      this.#fail(call, new ImError('QUEUE_FULL', { details: { limit: 'unsent bytes' } }));
    } else this.#send(call, connection);
  }

  #send(call: PendingCall, connection: BrokerConnection): void {
    const { service, method, body, headers, trace, flags, options } = call.terms;
    call.stage = 'sent';
    call.connection = connection;
    connection.writer.call({
      id: call.id,
      flags,
      timeoutMs: wholeMs(call.deadline - this.#options.clock.monotonic()),
      service,
      method,
      key: options.idempotencyKey,
      route: options.routingKey,
      trace,
      headers,
      body,
    });
    connection.touch();
  }

  #sendWaiting(): void {
    for (const call of [...this.#waiting]) {
      const connection = this.#brokers.choose();
      if (connection === undefined) return;
      this.#waiting.delete(call);
      this.#send(call, connection);
    }
  }

  #record(connection: BrokerConnection, reader: PackReader): void {
    const { kind } = reader;
    if (kind !== KIND.reply && kind !== KIND.error && kind !== KIND.part) return;
    const call = this.#pending.find(reader.id);
    if (call === undefined || call.connection !== connection) return;
    if (kind === KIND.part) {
      if (call.stage === 'sent' && call.terms.parts?.push(reader.body) === false) this.#cancel(call, overrun());
    } else if (kind === KIND.reply) this.#replied(call, reader);
    else this.#failed(call, decodeError(reader.text));
  }

  #replied(call: PendingCall, reader: PackReader): void {
    if (!reader.readReply()) {
      this.#fail(call, new ImError('INTERNAL'));
      return;
    }
    let reply: RpcReply;
    try {
      reply = { body: reader.body, headers: decodeHeaders(reader.headers) };
    } catch {
      this.#fail(call, new ImError('INTERNAL', { message: 'the reply has malformed headers' }));
      return;
    }
    if (call.stage !== 'late') {
      this.#forget(call);
      call.resolve(reply);
      return;
    }
    this.#forget(call);
    try {
      call.terms.options.onLate?.(reply);
    } catch (error) {
      const { service, method } = call.terms;
      this.#options.logger.error('onLate of an rpc call threw', { service, method, error });
    }
  }

  #failed(call: PendingCall, error: ImError): void {
    if (call.stage === 'late') {
      this.#forget(call);
      return;
    }
    const { name } = error;
    if (call.stage === 'sent' && error.details?.handedOut === false && this.#isElsewhere(call, name)) return;
    if (name !== 'DEADLINE_EXCEEDED' && name !== 'CANCELLED') {
      this.#fail(call, error);
      return;
    }
    const handedOut = error.details?.handedOut === true;
    const own = withHandedOut(call.reason ?? deadlineExceeded(handedOut), handedOut);
    // A worker's own answer of that name is passed on as it is.
    const shown = error.details?.handedOut === undefined ? error : own;
    if (call.terms.options.onLate === undefined || !handedOut) {
      this.#fail(call, shown);
      return;
    }
    call.unlisten();
    call.stage = 'late';
    this.#deadlines.remove(call);
    this.#deadlines.add(call, LATE_MS, this.#options.clock.monotonic());
    call.reject(shown);
  }

  /** One broker has no worker for it now; another one may. */
  #isElsewhere(call: PendingCall, name: string): boolean {
    if (name !== 'UNAVAILABLE' && name !== 'SERVICE_UNKNOWN') return false;
    if (++call.refusals >= this.#connections.length || call.terms.service === '$broker') return false;
    const other = this.#brokers.otherThan(call.connection);
    if (other === undefined) return false;
    this.#send(call, other);
    return true;
  }

  #cancel(call: PendingCall, error: ImError): void {
    this.#finish(call, error, error.name === 'DEADLINE_EXCEEDED' ? 1 : 0);
  }

  #expire(call: PendingCall): void {
    if (call.stage === 'ending') this.#endUnheard(call);
    else if (call.stage === 'late') this.#forget(call);
    else this.#finish(call, deadlineExceeded(true), 1);
  }

  /** Ends a call before its answer. What was sent, the broker knows more about: it is asked, for a moment. */
  #finish(call: PendingCall, error: ImError, reason: number): void {
    if (call.stage === 'waiting') {
      this.#fail(call, withHandedOut(error, false));
      return;
    }
    if (call.stage !== 'sent') return;
    const connection = call.connection as BrokerConnection;
    connection.writer.cancel(call.id, reason);
    connection.touch();
    call.stage = 'ending';
    call.reason = error;
    this.#deadlines.remove(call);
    this.#deadlines.add(call, ENDING_MS, this.#options.clock.monotonic());
  }

  #endUnheard(call: PendingCall): void {
    this.#fail(call, withHandedOut(call.reason ?? deadlineExceeded(true), true));
  }

  #lose(connection: BrokerConnection): void {
    this.#brokers.forget();
    for (const call of this.#pending) {
      if (call.connection !== connection) continue;
      if (call.stage === 'late') this.#forget(call);
      else if (call.stage === 'ending') this.#endUnheard(call);
      else if (!call.isRepeatable)
        this.#fail(call, new ImError('CALL_LOST', { details: { handedOut: true, lost: 'broker' } }));
      else {
        call.stage = 'waiting';
        call.connection = undefined;
        this.#waiting.add(call);
      }
    }
    this.#sendWaiting();
  }

  #fail(call: PendingCall, error: ImError): void {
    const heard = call.stage !== 'late' && call.stage !== 'settled';
    this.#forget(call);
    if (heard) call.reject(error);
  }

  #forget(call: PendingCall): void {
    if (call.stage === 'settled') return;
    call.stage = 'settled';
    this.#waiting.delete(call);
    this.#deadlines.remove(call);
    call.unlisten();
    this.#pending.remove(call);
  }
}

/** A worker that sends more parts than it may would fill our memory. */
function overrun(): ImError {
  return new ImError('INTERNAL', { message: 'the worker sent more parts than it was granted' });
}

function checkKey(argument: string, key: string | undefined): void {
  if (key === undefined || isText(key, MAX_KEY_LENGTH)) return;
  throw new ImError('INVALID_ARGUMENT', {
    message: `${argument}: 1 to ${MAX_KEY_LENGTH} characters`,
    details: { argument },
  });
}
