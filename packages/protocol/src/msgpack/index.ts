export { msgpackClientCodec } from './client-codec.js';
export { msgpackServerCodec } from './server-codec.js';
