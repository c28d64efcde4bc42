export { EFFECTS_REJECTED_METHOD, type EffectsRejected, type RejectionReason } from './call/rejected-effects.js';
export { createGateway, type Gateway, type StopOptions } from './gateway.js';
export type { GatewayOptions, Settings } from './gateway-options.js';
export type { Link, LinkEvents } from './link.js';
export type { TicketKey } from './session/ticket.js';
export type { AttachOptions } from './transport/ws/ws-transport.js';
export type { Identity, TokenSource, TokenVerifier } from './verifier/token-verifier.js';
export { createWire, type Framing, type Wire } from './wire.js';
