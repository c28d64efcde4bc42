/** PR-1 */
export const MSGPACK_SUBPROTOCOL = 'im.msgpack.v1';
