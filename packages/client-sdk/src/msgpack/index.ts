/** MessagePack as the `codec` of a client, apart from the core: most pages do without. */
export { msgpackClientCodec as msgpack } from '@im/protocol/msgpack';
