/** The reserved service `$broker` of the memory engine: what `im rpc` asks. */
import { ImError } from '@im/protocol';
import { BROKER_SERVICE } from '../broker-status.js';
import { encodeJson } from '../json-body.js';
import type { ServedService } from '../rpc.js';
import { NO_HEADERS } from '../wire-values.js';
import type { ServiceTable } from './service-table.js';

export function createBrokerService(table: ServiceTable): ServedService {
  const answers = new Map<string, () => unknown>([
    ['services', () => table.services()],
    ['workers', () => table.workers()],
    ['stats', () => table.stats()],
  ]);
  return {
    name: BROKER_SERVICE,
    version: '1',
    methods: [...answers.keys()],
    async handle({ method }) {
      const answer = answers.get(method);
      if (answer === undefined) throw new ImError('METHOD_UNKNOWN');
      return { body: encodeJson(answer()), headers: NO_HEADERS };
    },
  };
}
