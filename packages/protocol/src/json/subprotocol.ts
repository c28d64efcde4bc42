/** PR-1 */
export const JSON_SUBPROTOCOL = 'im.json.v1';
