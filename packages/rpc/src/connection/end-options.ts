/** What an end of calls is made with, a caller's as a worker's. */
import type { Clock, Logger, Random } from '@im/protocol/ports';
import type { Connector } from './link.js';

export interface EndOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly maxBodyBytes: number;
  /** One for each broker. */
  readonly connectors: readonly Connector[];
  onClose(): void;
}
