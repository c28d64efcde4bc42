/** The figures of a process that publishes or subscribes at nodes, by the names that the README lists. */
import type { Lane } from '@im/protocol';
import type { Counter, Metrics } from '@im/protocol/ports';

export type ByLane = Readonly<Record<Lane, Counter>>;

export class LinkFigures {
  /** Messages handed to nodes, one for each group, repetitions included; added pack by pack. */
  readonly sent: ByLane;
  /** Messages that came, one for each group; added pack by pack. */
  readonly received: ByLane;
  /** Packs that were sent to this process and did not arrive. */
  readonly missed: ByLane;
  readonly malformed: Counter;
  readonly lost: Counter;
  readonly refused: Counter;
  readonly handlerErrors: Counter;

  constructor(metrics: Metrics) {
    const counter = (name: string, help: string) => metrics.counter(`im_broadcast_${name}_total`, { help });
    const byLane = (name: string, help: string): ByLane => {
      const of = (lane: Lane) => metrics.counter(`im_broadcast_${name}_total`, { help, labels: { lane } });
      return { normal: of('normal'), priority: of('priority') };
    };
    this.sent = byLane('sent', 'Messages handed to nodes, one for each group, repetitions included.');
    this.received = byLane('received', 'Messages that came from nodes, one for each group.');
    this.missed = byLane('missed_packs', 'Packs that nodes sent here and that did not arrive.');
    this.malformed = counter('malformed_packs', 'Packs of nodes that could not be read.');
    this.lost = counter('lost', 'Normal messages that were lost on their way here, and told.');
    this.refused = counter('refused', 'Messages refused for want of room.');
    this.handlerErrors = counter('handler_errors', 'Failures of subscribers.');
  }
}
