/** Where every server of the bench listens. */
export const HOST = '127.0.0.1';
