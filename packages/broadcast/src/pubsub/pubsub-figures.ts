/** The figures of an engine on a pub/sub server, by the names that the README lists; those of every engine are shared. */
import type { Counter, Metrics } from '@im/protocol/ports';
import { NodeFigures } from '../memory/node-figures.js';

export class PubSubFigures extends NodeFigures {
  readonly busMessages: Counter;
  readonly busBytes: Counter;
  readonly malformed: Counter;
  readonly interruptions: Counter;
  readonly lossesSeen: Counter;

  constructor(metrics: Metrics) {
    super(metrics);
    const counter = (name: string, help: string) => metrics.counter(`im_broadcast_${name}_total`, { help });
    this.busMessages = counter('bus_messages', 'Packs sent to the message bus.');
    this.busBytes = counter('bus_bytes', 'Bytes of the packs sent to the message bus.');
    this.malformed = counter('bus_malformed', 'Bytes from the message bus that are no pack.');
    this.interruptions = counter('bus_interruptions', 'Connections to the message bus that were lost.');
    this.lossesSeen = counter('losses_told', 'Normal messages found missing by subscribers here, and told.');
  }
}
