/** A worker's connection at the broker: its registrations, and its answers on their way to callers. */
import { checkName } from '../names.js';
import { parseObject } from '../wire/message.js';
import type { PackReader } from '../wire/pack-reader.js';
import { FLAG, KIND } from '../wire/record.js';
import type { BrokerCall } from './broker-call.js';
import type { BrokerCore } from './broker-core.js';
import { Peer, type PeerLink } from './peer.js';
import { refusalWith } from './refusals.js';
import { Registration, type ServeTerms } from './registration.js';
import type { ServiceEntry } from './service-entry.js';

/** Services that one worker may serve. */
const MAX_REGISTRATIONS = 1_024;
const MAX_METHODS = 1_024;
const MAX_CONCURRENCY = 65_536;

/** A registration and the service it belongs to. */
export interface Served {
  readonly entry: ServiceEntry;
  readonly registration: Registration;
}

export class WorkerPeer extends Peer {
  /** How often it promised to say something; undefined when its connection alone counts. */
  pingMs: number | undefined;
  /** Slots taken in all its registrations, also in those that are gone. */
  inFlight = 0;
  readonly #registrations = new Map<number, Served>();
  readonly #core: BrokerCore;

  constructor(link: PeerLink, core: BrokerCore) {
    super(link, core.turn, core.onMalformed);
    this.#core = core;
  }

  lost(): void {
    this.turn.begin();
    this.#core.workers.delete(this);
    this.#leave();
  }

  /** It hangs, though its connection stands: it is lost until it says something again. */
  silent(): void {
    this.pingMs = undefined;
    this.#leave();
  }

  /** All its calls are answered: it may go. */
  drained({ number }: Registration): void {
    this.#registrations.delete(number);
    this.writer.text(KIND.drained, number);
    this.touch();
  }

  /** Its link takes messages again. */
  writable(): void {
    this.turn.begin();
    for (const { entry, registration } of this.#registrations.values()) entry.fill(registration);
  }

  protected take(reader: PackReader): void {
    const { kind, id } = reader;
    switch (kind) {
      case KIND.reply:
      case KIND.error:
        this.#answer(reader);
        break;
      case KIND.part:
        this.#part(reader);
        break;
      case KIND.serve:
        this.#serve(reader);
        break;
      case KIND.drain: {
        const known = this.#registrations.get(id);
        if (known !== undefined) known.entry.drain(known.registration);
        else this.#text(KIND.drained, id);
        break;
      }
      case KIND.ping:
        this.writer.pong(id, 0, this.#core.instance);
        if (this.#registrations.size === 0) this.writer.text(KIND.again, 0);
        this.touch();
        break;
      case KIND.bye:
        this.pingMs = undefined;
        this.#leave();
        break;
    }
  }

  #answer(reader: PackReader): void {
    const call = this.#find(reader.id);
    if (call === undefined) {
      if (this.#registrations.size === 0) this.#text(KIND.again, 0);
      return;
    }
    let error: string | undefined;
    if (reader.kind === KIND.reply && !reader.skipHeaders()) {
      call.service.answeredNothing(call);
      return;
    }
    if (reader.kind === KIND.error) {
      const described = parseObject(reader.text);
      // What describes no error must not reach a caller; the rest of it is for the caller to read.
      if (described === undefined || typeof described.code !== 'number') {
        call.service.answeredNothing(call);
        this.malformed();
        return;
      }
      error = String(described.name);
    }
    const { caller, callerId } = call;
    if (caller !== undefined) {
      caller.writer.forward(reader, callerId);
      caller.touch();
    }
    call.service.answered(call, error, reader.bodyBytes);
  }

  #part(reader: PackReader): void {
    const call = this.#find(reader.id);
    if (call?.caller === undefined || call.stage !== 'running' || (call.flags & FLAG.stream) === 0) return;
    call.neverRepeat();
    call.caller.writer.forward(reader, call.callerId);
    call.caller.touch();
  }

  #serve(reader: PackReader): void {
    const { id } = reader;
    const known = this.#registrations.get(id);
    if (known !== undefined) {
      this.#text(KIND.serving, id);
      return;
    }
    const described = parseObject(reader.text);
    const terms = described === undefined ? 'no JSON object' : toTerms(described);
    if (typeof terms === 'string') {
      this.#text(KIND.refused, id, refusalWith('INVALID_ARGUMENT', { argument: terms }));
      return;
    }
    const entry = this.#registrations.size < MAX_REGISTRATIONS ? this.#core.table.findOrAdd(terms.service) : undefined;
    if (entry === undefined) {
      this.#text(KIND.refused, id, refusalWith('OVERLOADED', { limit: 'services' }));
      return;
    }
    const { pingMs } = described as { pingMs?: unknown };
    if (typeof pingMs === 'number' && pingMs >= 100) this.pingMs = Math.min(this.pingMs ?? pingMs, pingMs);
    if (this.pingMs !== undefined) this.#core.watch();
    const registration = new Registration(id, this, terms, this.turn.now);
    this.#registrations.set(id, { entry, registration });
    this.#text(KIND.serving, id);
    entry.add(registration);
  }

  #find(token: number): BrokerCall | undefined {
    const call = this.#core.calls.find(token);
    return call?.registration?.peer === this ? call : undefined;
  }

  #text(kind: number, id: number, text?: string): void {
    this.writer.text(kind, id, text);
    this.touch();
  }

  #leave(): void {
    const registrations = [...this.#registrations.values()];
    this.#registrations.clear();
    this.#core.lose(this, registrations);
  }
}

/** @returns what it serves, or the name of the member that is wrong */
function toTerms({ worker, service, version, methods, concurrency }: Record<string, unknown>): ServeTerms | string {
  if (typeof worker !== 'string' || !/^[\x21-\x7e]{1,128}$/.test(worker)) return 'worker';
  if (typeof version !== 'string' || version === '' || version.length > 64) return 'version';
  if (!Array.isArray(methods) || methods.length > MAX_METHODS) return 'methods';
  if (!Number.isInteger(concurrency) || (concurrency as number) < 1 || (concurrency as number) > MAX_CONCURRENCY)
    return 'concurrency';
  try {
    checkName('service', service as string);
    for (const method of methods) checkName('method', method);
  } catch {
    return 'service or methods';
  }
  return { worker, service: service as string, version, methods, concurrency: concurrency as number };
}
