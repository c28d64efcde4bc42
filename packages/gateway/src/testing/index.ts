export { FakeLink } from './fake-link.js';
export { effects, type FixtureOptions, GatewayFixture, type TestHandler } from './gateway-fixture.js';
export type { ReceivedMessage } from './received-messages.js';
export { type TableEntry, tokenTable } from './token-table.js';
export { WebSocketClient } from './web-socket-client.js';
