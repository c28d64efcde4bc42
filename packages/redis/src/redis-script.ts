/** A Lua script, known to servers by the SHA-1 of its text. */
import { createHash } from 'node:crypto';

export class RedisScript {
  readonly lua: string;
  readonly sha: string;

  constructor(lua: string) {
    this.lua = lua;
    this.sha = createHash('sha1').update(lua).digest('hex');
  }
}
