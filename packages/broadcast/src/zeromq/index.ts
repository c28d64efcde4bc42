export type { NodeBroadcast } from '../link/link-broadcast.js';
export type { NodeAddresses, NodeDirectory } from '../link/link-transport.js';
export {
  createZeromqBridge,
  createZeromqBridges,
  type ZeromqBridgeOptions,
  type ZeromqBridgesOptions,
} from './zeromq-bridge.js';
export { createZeromqBroadcast, type ZeromqBroadcastOptions } from './zeromq-broadcast.js';
export type { PeerKeys } from './zeromq-link.js';
export { createZeromqNode, type NodeKeys, type ZeromqNode, type ZeromqNodeOptions } from './zeromq-node.js';
