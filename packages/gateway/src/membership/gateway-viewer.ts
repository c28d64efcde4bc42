import type { Viewer } from '@im/groups';
import type { ServerMessage } from '@im/protocol';

/** A connection as memberships see it. */
export interface GatewayViewer extends Viewer {
  send(message: ServerMessage<Uint8Array>): void;
  /** Settles once it is no longer congested, or closed. */
  relieved(): Promise<void>;
}
