/** The figures of a record store, by the names that the README lists. */
import type { Counter, Metrics } from '@im/protocol/ports';

export class RecordFigures {
  readonly writes: Counter;
  readonly conflicts: Counter;
  readonly refused: Counter;

  constructor(metrics: Metrics, store: string) {
    const counter = (name: string, help: string) =>
      metrics.counter(`im_timeline_${name}_total`, { help, labels: { store } });
    this.writes = counter('record_writes', 'Writes of records.');
    this.conflicts = counter('record_conflicts', 'Writes of records that had been changed.');
    this.refused = counter('record_writes_refused', 'Writes refused for want of room to wait.');
  }
}
