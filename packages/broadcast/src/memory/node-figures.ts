/** The figures of a broadcast node, by the names that the README lists. */
import type { Counter, Metrics } from '@im/protocol/ports';

/** Read when figures are. */
export interface NodeLevels {
  readonly groups: () => number;
  readonly normalMessages: () => number;
  readonly priorityMessages: () => number;
  readonly bytes: () => number;
  readonly heads: () => number;
}

export class NodeFigures {
  readonly publishedNormal: Counter;
  readonly publishedPriority: Counter;
  readonly delivered: Counter;
  readonly lost: Counter;
  readonly refused: Counter;
  readonly duplicates: Counter;
  readonly failed: Counter;
  readonly handlerErrors: Counter;
  readonly #metrics: Metrics;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    const published = (lane: string) =>
      metrics.counter('im_broadcast_published_total', { help: 'Messages taken from publishers.', labels: { lane } });
    this.publishedNormal = published('normal');
    this.publishedPriority = published('priority');
    const counter = (name: string, help: string) => metrics.counter(`im_broadcast_${name}_total`, { help });
    this.delivered = counter('delivered', 'Messages handed to subscribers, once for each.');
    this.lost = counter('lost', 'Normal messages dropped for want of room, and told.');
    this.refused = counter('refused', 'Messages refused for want of room.');
    this.duplicates = counter('duplicates', 'Priority messages whose id was known.');
    this.failed = counter('failed', 'Priority messages that the log did not take.');
    this.handlerErrors = counter('handler_errors', 'Failures of subscribers.');
  }

  observe(levels: NodeLevels): void {
    const level = (name: string, help: string, read: () => number) =>
      this.#metrics.observe(`im_broadcast_${name}`, { help }, read);
    level('subscribed_groups', 'Groups with subscribers.', levels.groups);
    level('queued_normal_messages', 'Normal messages that wait.', levels.normalMessages);
    level('queued_priority_messages', 'Priority messages between publisher and delivery.', levels.priorityMessages);
    level('queued_bytes', 'Bytes of the bodies that wait.', levels.bytes);
    level('active_heads', 'Groups whose head is told.', levels.heads);
  }
}
