/** Servers that put every connection into the one room there is: `ws`, `ws-frame`, Bun. */
import type { Dialect } from '../dialect.js';

export const plain: Dialect = {
  path: '/',
  opened: (viewer) => viewer.joined(),
  control: () => {},
};
