/** Which broker gets a call: those of one turn go to one, so that they are packed; turns take turns. Must not know calls. */
import type { BrokerConnection } from '../connection/broker-connection.js';

export class BrokerChoice {
  readonly #connections: readonly BrokerConnection[];
  /** Of this turn. */
  #current: BrokerConnection | undefined;
  #next = 0;

  constructor(connections: readonly BrokerConnection[]) {
    this.#connections = connections;
  }

  /** Undefined when none is in reach. */
  choose(): BrokerConnection | undefined {
    if (this.#current?.state === 'up') return this.#current;
    const { length } = this.#connections;
    for (let step = 0; step < length; step++) {
      const connection = this.#connections[(this.#next + step) % length] as BrokerConnection;
      if (connection.state !== 'up') continue;
      this.#current = connection;
      if (length > 1) {
        this.#next = (this.#next + step + 1) % length;
        // After the last call of this turn.
        process.nextTick(this.forget);
      }
      return connection;
    }
    return undefined;
  }

  /** In reach, and not that one. */
  otherThan(refused: BrokerConnection | undefined): BrokerConnection | undefined {
    return this.#connections.find((connection) => connection !== refused && connection.state === 'up');
  }

  /** The next call goes to whose turn it is. */
  readonly forget = (): void => {
    this.#current = undefined;
  };
}
