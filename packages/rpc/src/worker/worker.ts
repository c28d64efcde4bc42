/**
 * The worker's end: registers services at every broker, carries out calls, answers. State and rules; links come from
 * connectors.
 */
import { randomUUID } from 'node:crypto';
import { ImError } from '@im/protocol';
import { deadlineExceeded } from '../call-terms.js';
import { BrokerConnection, PING_MS } from '../connection/broker-connection.js';
import type { EndOptions } from '../connection/end-options.js';
import { checkName } from '../names.js';
import type { Registration, RpcReply, RpcWorker, ServedService } from '../rpc.js';
import { DEFAULT_CONCURRENCY } from '../rpc-limits.js';
import type { PackReader } from '../wire/pack-reader.js';
import { KIND } from '../wire/record.js';
import { checkBody, decodeError, encodeError, encodeHeaders } from '../wire-values.js';
import { IncomingRequest, type RequestLine } from './incoming-request.js';
import { Offer } from './offer.js';

interface Line extends RequestLine {
  readonly connection: BrokerConnection;
  /** Calls that this broker waits for, by its ids. */
  readonly running: Map<number, IncomingRequest>;
}

export class Worker implements RpcWorker {
  readonly #options: EndOptions;
  readonly #id = randomUUID();
  readonly #lines: readonly Line[];
  readonly #offers = new Map<number, Offer>();
  readonly #pingMs: number | undefined;
  #nextOffer = 1;
  #closed = false;

  constructor(options: EndOptions) {
    this.#options = options;
    const { clock, random, maxBodyBytes, connectors } = options;
    this.#pingMs = connectors.every(({ local }) => local) ? undefined : PING_MS;
    this.#lines = connectors.map((connector) => {
      const line: Line = {
        clock,
        maxBodyBytes,
        running: new Map(),
        sendPart: (request, part) => {
          if (line.running.get(request.id) !== request) return;
          line.connection.writer.answer(KIND.part, request.id, '', part);
          line.connection.touch();
        },
        connection: new BrokerConnection({
          clock,
          random,
          connector,
          onUp: () => this.#serveAll(line),
          onDown: () => this.#lose(line),
          onRecord: (reader, waited) => this.#record(line, reader, waited),
        }),
      };
      return line;
    });
    for (const { connection } of this.#lines) connection.open();
  }

  async serve(service: ServedService): Promise<Registration> {
    if (this.#closed) throw new ImError('CLOSED');
    checkServed(service);
    const offer = new Offer(this.#nextOffer++, service);
    this.#offers.set(offer.number, offer);
    for (const line of this.#lines) if (line.connection.state === 'up') this.#serve(line, offer);
    try {
      await offer.served;
    } catch (error) {
      // Brokers that took it must not go on with it.
      void this.#drain(offer);
      throw error;
    }
    return { drain: () => this.#drain(offer) };
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const offer of this.#offers.values()) offer.refuse(new ImError('CLOSED'));
    await Promise.all([...this.#offers.values()].map((offer) => this.#drain(offer)));
    await Promise.all(this.#lines.map(({ connection }) => connection.close()));
    this.#options.onClose();
  }

  #serveAll(line: Line): void {
    for (const offer of this.#offers.values()) if (!offer.isDraining) this.#serve(line, offer);
  }

  #serve({ connection }: Line, { number, service }: Offer): void {
    const { name, version, methods, concurrency = DEFAULT_CONCURRENCY } = service;
    const terms = { worker: this.#id, service: name, version, methods, concurrency, pingMs: this.#pingMs };
    connection.writer.text(KIND.serve, number, JSON.stringify(terms));
    connection.touch();
  }

  async #drain(offer: Offer): Promise<void> {
    if (!offer.isDraining) {
      offer.beginDraining(
        this.#lines.filter(({ connection }) => connection.state === 'up').map(({ connection }) => connection),
      );
      for (const { connection } of this.#lines) {
        if (connection.state !== 'up') continue;
        connection.writer.text(KIND.drain, offer.number);
        connection.touch();
      }
    }
    await offer.drained;
    this.#offers.delete(offer.number);
  }

  #record(line: Line, reader: PackReader, waited: number): void {
    const { kind, id } = reader;
    switch (kind) {
      case KIND.call:
        this.#call(line, reader, waited);
        break;
      case KIND.cancel: {
        const reason =
          reader.body[0] === 1 ? deadlineExceeded(true) : new ImError('CANCELLED', { details: { handedOut: true } });
        line.running.get(id)?.abort(reason);
        break;
      }
      case KIND.more: {
        const count = reader.readCount();
        if (count !== undefined) line.running.get(id)?.grant(count);
        break;
      }
      case KIND.serving:
        this.#offers.get(id)?.accept();
        break;
      case KIND.refused:
        this.#offers.get(id)?.refuse(decodeError(reader.text));
        break;
      case KIND.drained:
        this.#offers.get(id)?.drainedAt(line.connection);
        break;
      case KIND.again:
        this.#serveAll(line);
        break;
    }
  }

  #call(line: Line, reader: PackReader, waited: number): void {
    if (!reader.readCall()) return;
    const offer = this.#offers.get(reader.target);
    if (offer === undefined) {
      this.#refuse(line, reader.id, new ImError('UNAVAILABLE', { details: { handedOut: false } }));
      return;
    }
    const deadline = this.#options.clock.monotonic() + reader.timeoutMs - waited;
    const request = new IncomingRequest(line, reader, deadline);
    line.running.set(request.id, request);
    if (offer.slots.take()) void this.#run(line, request, offer);
    else offer.slots.wait(() => void this.#run(line, request, offer));
  }

  async #run(line: Line, request: IncomingRequest, offer: Offer): Promise<void> {
    // Its broker is gone: nobody waits.
    if (line.running.get(request.id) !== request) {
      offer.slots.free();
      return;
    }
    if (request.remainingMs() <= 0) this.#refuse(line, request.id, deadlineExceeded(false));
    else if (request.ended !== undefined) this.#refuse(line, request.id, request.ended);
    else {
      let reply: RpcReply;
      try {
        reply = await offer.service.handle(request);
        this.#answer(line, request, reply);
      } catch (thrown) {
        this.#fail(line, request, this.#errorOf(thrown, request));
      }
    }
    if (line.running.get(request.id) === request) line.running.delete(request.id);
    offer.slots.free();
  }

  #answer(line: Line, request: IncomingRequest, { body, headers }: RpcReply): void {
    let text: string;
    try {
      checkBody(body, this.#options.maxBodyBytes, 'reply body');
      text = encodeHeaders(headers, 'reply headers');
    } catch (error) {
      const { service, method } = request;
      this.#options.logger.error('a service answered what cannot travel', { service, method, error });
      this.#fail(line, request, ImError.wrap(error));
      return;
    }
    // The next broker may have given the same id to another call.
    if (line.running.get(request.id) !== request) return;
    line.connection.writer.answer(KIND.reply, request.id, text, body);
    line.connection.touch();
  }

  #fail(line: Line, request: IncomingRequest, error: ImError): void {
    if (line.running.get(request.id) === request) this.#refuse(line, request.id, error);
  }

  #refuse(line: Line, id: number, error: ImError): void {
    if (line.connection.state !== 'up') return;
    line.connection.writer.text(KIND.error, id, encodeError(error));
    line.connection.touch();
  }

  #errorOf(thrown: unknown, { service, method }: IncomingRequest): ImError {
    if (!(thrown instanceof ImError))
      this.#options.logger.error('a service failed', { service, method, error: thrown });
    return begun(ImError.wrap(thrown));
  }

  /** The broker is gone, and whoever waited there for an answer with it. */
  #lose(line: Line): void {
    const reason = new ImError('CANCELLED', { details: { handedOut: true } });
    for (const request of line.running.values()) request.abort(reason);
    line.running.clear();
    for (const offer of this.#offers.values()) offer.drainedAt(line.connection);
  }
}

/** What a handler throws may come from a call of its own that never began; this one has. */
function begun(error: ImError): ImError {
  if (error.details?.handedOut === undefined) return error;
  return ImError.from({ ...error.toBody(), details: { ...error.details, handedOut: true } });
}

function checkServed({ name, methods, concurrency = 1 }: ServedService): void {
  checkName('service', name);
  for (const method of methods) checkName('method', method);
  if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
    throw new ImError('INVALID_ARGUMENT', { details: { argument: 'concurrency' } });
  }
}
