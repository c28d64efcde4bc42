/** The reserved service `$broker`: what `im rpc` asks. */
import { BROKER_SERVICE } from '../broker-status.js';
import { encodeJson } from '../json-body.js';
import { parseObject } from '../wire/message.js';
import type { PackReader } from '../wire/pack-reader.js';
import { FLAG, KIND } from '../wire/record.js';
import type { CallerPeer } from './caller-peer.js';
import { refusal, refusalWith } from './refusals.js';
import type { ServiceTable } from './service-table.js';
import type { Taps } from './taps.js';

const MAX_VERSIONS = 64;

export class BrokerService {
  readonly #table: ServiceTable;
  readonly #taps: Taps;

  constructor(table: ServiceTable, taps: Taps) {
    this.#table = table;
    this.#taps = taps;
  }

  serves(service: string): boolean {
    return service === BROKER_SERVICE;
  }

  /** The reader stands at a call of which the names are read. @param timeoutMs what is left of its deadline */
  answer(caller: CallerPeer, reader: PackReader, timeoutMs: number): void {
    const { id, method } = reader;
    switch (method) {
      case 'services':
        reply(caller, id, this.#table.services());
        break;
      case 'workers':
        reply(caller, id, this.#table.workers());
        break;
      case 'stats':
        reply(caller, id, this.#table.stats());
        break;
      case 'weights':
        this.#weights(caller, reader);
        break;
      case 'tap':
        this.#tap(caller, reader, timeoutMs);
        return;
      default:
        caller.refuse(id, refusal('METHOD_UNKNOWN').before);
    }
  }

  #weights(caller: CallerPeer, reader: PackReader): void {
    const input = inputOf(reader);
    const weights = input?.weights;
    if (typeof input?.service !== 'string' || !areWeights(weights)) {
      refuseInput(caller, reader.id);
      return;
    }
    const entry = this.#table.find(input.service);
    if (entry === undefined) {
      caller.refuse(reader.id, refusal('SERVICE_UNKNOWN').before);
      return;
    }
    entry.workers.shares.set(weights);
    reply(caller, reader.id, entry.workers.shares.weights);
  }

  #tap(caller: CallerPeer, reader: PackReader, timeoutMs: number): void {
    const { id, flags } = reader;
    const input = inputOf(reader) ?? {};
    if ((flags & FLAG.stream) === 0 || !isFilter(input)) {
      refuseInput(caller, id);
      return;
    }
    if (!this.#taps.open(caller, id, input, timeoutMs)) caller.refuse(id, refusalWith('OVERLOADED', { limit: 'taps' }));
  }
}

function inputOf(reader: PackReader): Record<string, unknown> | undefined {
  return parseObject(Buffer.from(reader.body).toString());
}

function reply(caller: CallerPeer, id: number, output: unknown): void {
  caller.writer.answer(KIND.reply, id, '', encodeJson(output));
  caller.touch();
}

function refuseInput(caller: CallerPeer, id: number): void {
  caller.refuse(id, refusalWith('INVALID_INPUT', { see: 'docs/rpc.md, section 9' }));
}

function areWeights(value: unknown): value is Record<string, number> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const weights = Object.entries(value);
  return (
    weights.length <= MAX_VERSIONS &&
    weights.every(
      ([version, weight]) => version.length <= 64 && typeof weight === 'number' && weight >= 0 && weight <= 1_000_000,
    )
  );
}

function isFilter({ service, method, failed, slowerThanMs }: Record<string, unknown>): boolean {
  return (
    isOptional(service, 'string') &&
    isOptional(method, 'string') &&
    isOptional(failed, 'boolean') &&
    isOptional(slowerThanMs, 'number')
  );
}

function isOptional(value: unknown, type: string): boolean {
  return value === undefined || typeof value === type;
}
