export { createPushEndpoint, type PushEndpoint, type PushEndpointOptions } from './push-endpoint.js';
