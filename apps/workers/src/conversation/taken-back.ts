/** Owns: which messages of a conversation were taken back, for those who read it later: records `t.<n>`, one for a thousand versions. */
import type { RecordStore } from '@im/timeline';
import { changeRecord, jsonRecord } from './json-record.js';

const VERSIONS = 1_000;

export const TAKEN_BACK_PREFIX = 't.';
const fieldOf = (version: number): string => `${TAKEN_BACK_PREFIX}${Math.floor(version / VERSIONS)}`;

/** Conversations are named as on the bus. Both throw ImError as the record store does. */
export class TakenBack {
  readonly #records: RecordStore;

  constructor(records: RecordStore) {
    this.#records = records;
  }

  /** Those of the versions that were. */
  async among(group: string, versions: readonly number[]): Promise<ReadonlySet<number>> {
    const fields = [...new Set(versions.map(fieldOf))];
    if (fields.length === 0) return new Set();
    const found = await this.#records.get(group, fields);
    const all = new Set(fields.flatMap((field) => jsonRecord<readonly number[]>(found.get(field))?.value ?? []));
    return new Set(versions.filter((version) => all.has(version)));
  }

  async add(group: string, version: number): Promise<void> {
    await changeRecord<readonly number[]>(this.#records, { owner: group, field: fieldOf(version) }, (versions = []) =>
      versions.includes(version) ? versions : [...versions, version],
    );
  }
}
