export { type ChoiceOptions, chooseGateways } from './balancer/choose-gateways.js';
export { type NextGatewaysOptions, nextGateways } from './balancer/next-gateways.js';
export { type BackoffPolicy, type Route, type RouteOptions, routeClient } from './balancer/route.js';
export { addressesOfBroadcastNode, BROADCAST_ROLE, broadcastNodes } from './broadcast-nodes.js';
export type { DrainOrder } from './drain-order.js';
export {
  createManagerEndpoint,
  type ManagerEndpointOptions,
  type RequestHandler,
} from './endpoint/manager-endpoint.js';
export type { JournalEntry, JournalKind } from './manager/journal.js';
export type { ManagerStatus, NodeManager } from './manager/node-manager.js';
export type { NodeStatus, Refusal, RefusalReason } from './manager/node-table.js';
export type { DrainRequest } from './manager/order-book.js';
export type { HeldBack } from './manager/topology-keeper.js';
