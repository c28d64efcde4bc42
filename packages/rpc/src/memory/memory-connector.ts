/** Links inside one process: messages pass from one end to the other in order, after the turn that sent them. */
import type { BrokerCore } from '../broker/broker-core.js';
import type { Peer, PeerLink } from '../broker/peer.js';
import type { Connector, Link, LinkEvents } from '../connection/link.js';

/** @param accept which side of the broker it leads to */
function createMemoryConnector(accept: (link: PeerLink) => Peer): Connector {
  return {
    local: true,
    open: (events) => new MemoryLink(accept, events),
  };
}

export function memoryConnectors(core: BrokerCore): { readonly callers: Connector; readonly workers: Connector } {
  return {
    callers: createMemoryConnector((link) => core.acceptCaller(link)),
    workers: createMemoryConnector((link) => core.acceptWorker(link)),
  };
}

class MemoryLink implements Link {
  readonly hasUnsent = false;
  readonly congested = false;
  readonly #peer: Peer;
  #isOpen = true;

  constructor(accept: (link: PeerLink) => Peer, events: LinkEvents) {
    this.#peer = accept({
      congested: false,
      local: true,
      send: (frames) => {
        process.nextTick(() => {
          if (this.#isOpen) events.onMessage(frames);
        });
      },
    });
  }

  send(frames: Buffer[]): void {
    process.nextTick(() => this.#peer.receive(frames));
  }

  close(): Promise<void> {
    this.#isOpen = false;
    return new Promise((resolve) => {
      process.nextTick(() => {
        this.#peer.lost();
        resolve();
      });
    });
  }
}
