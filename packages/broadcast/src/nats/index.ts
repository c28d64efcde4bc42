export { createNatsBroadcast, type NatsBroadcastOptions } from './nats-broadcast.js';
