/** A caller's connection at the broker: its open calls, and what it asks for. */
import { MAX_TIMEOUT_MS } from '../rpc-limits.js';
import type { PackReader } from '../wire/pack-reader.js';
import { KIND } from '../wire/record.js';
import type { BrokerCall } from './broker-call.js';
import type { BrokerCore } from './broker-core.js';
import { Peer, type PeerLink } from './peer.js';
import { CANCELLED, DEADLINE_EXCEEDED, refusal, refusalWith } from './refusals.js';

/** Calls of one caller that may be open at once. */
const MAX_CALLS = 65_536;

export class CallerPeer extends Peer {
  /** Those it wants an answer of, by its own ids. */
  readonly calls = new Map<number, BrokerCall>();
  readonly #core: BrokerCore;

  constructor(link: PeerLink, core: BrokerCore) {
    super(link, core.turn, core.onMalformed);
    this.#core = core;
  }

  lost(): void {
    this.turn.begin();
    this.#leave();
    this.#core.callers.delete(this);
  }

  protected take(reader: PackReader, waited: number): void {
    switch (reader.kind) {
      case KIND.call:
        this.#call(reader, waited);
        break;
      case KIND.cancel:
        this.#cancel(reader.id, reader.body[0] ?? 0);
        break;
      case KIND.more:
        this.#more(reader);
        break;
      case KIND.ping:
        this.writer.pong(reader.id, this.calls.size + this.#core.taps.count(this), this.#core.instance);
        this.touch();
        break;
      case KIND.bye:
        this.#leave();
        break;
    }
  }

  #call(reader: PackReader, waited: number): void {
    if (!reader.readNames()) return;
    const { id, service, key, route } = reader;
    const core = this.#core;
    if (this.calls.has(id) || core.taps.has(this, id)) {
      this.malformed();
      return;
    }
    if (reader.bodyBytes > core.maxBodyBytes) {
      this.refuse(id, core.tooLarge);
      return;
    }
    const timeoutMs = Math.min(reader.timeoutMs, MAX_TIMEOUT_MS) - waited;
    if (timeoutMs <= 0) {
      this.refuse(id, DEADLINE_EXCEEDED.before);
      return;
    }
    if (core.brokerService.serves(service)) {
      core.brokerService.answer(this, reader, timeoutMs);
      if (core.taps.isOpen) core.watch();
      return;
    }
    const entry = core.table.find(service);
    if (entry === undefined) {
      this.refuse(id, refusal('SERVICE_UNKNOWN').before);
      return;
    }
    // A service takes half of it at most, so that none starves the others.
    if (core.calls.bytes > core.maxKeptBytes || entry.keptBytes > core.maxKeptBytes / 2) {
      this.refuse(id, refusalWith('OVERLOADED', { handedOut: false, limit: 'bytes of open calls' }));
      return;
    }
    const call = this.calls.size < MAX_CALLS ? core.calls.take() : undefined;
    if (call === undefined) {
      this.refuse(id, refusalWith('OVERLOADED', { handedOut: false, limit: 'open calls' }));
      return;
    }
    call.service = entry;
    call.method = reader.method;
    call.flags = reader.flags;
    call.affinity = route ?? key;
    call.caller = this;
    call.callerId = id;
    call.keep(reader);
    call.acceptedAt = this.turn.now;
    this.calls.set(id, call);
    core.deadlines.add(call, timeoutMs, this.turn.now);
    core.watch();
    entry.submit(call);
  }

  /** @param error JSON text */
  refuse(id: number, error: string): void {
    this.writer.text(KIND.error, id, error);
    this.touch();
  }

  #cancel(id: number, reason: number): void {
    const call = this.calls.get(id);
    if (call !== undefined) call.service.giveUp(call, reason === 1 ? DEADLINE_EXCEEDED : CANCELLED, reason);
    else if (this.#core.taps.close(this, id)) this.refuse(id, (reason === 1 ? DEADLINE_EXCEEDED : CANCELLED).after);
  }

  #more(reader: PackReader): void {
    const count = reader.readCount();
    if (count === undefined) return;
    const call = this.calls.get(reader.id);
    if (call === undefined) {
      this.#core.taps.grant(this, reader.id, count);
      return;
    }
    if (call.stage !== 'running' || call.registration === undefined) return;
    call.registration.peer.writer.more(call.token, count);
    call.registration.peer.touch();
  }

  #leave(): void {
    this.#core.taps.closeAll(this);
    for (const call of [...this.calls.values()]) {
      if (call.stage === 'abandoned') call.forgetCaller();
      else call.service.giveUp(call, undefined, 0);
    }
  }
}
