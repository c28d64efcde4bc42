/** Which slots of a Redis Cluster are whose. Pure. */

const SLOTS = 16_384;

/** The slot of a channel: CRC16 (XMODEM) of its name, or of what its first braces enclose, as the Cluster has it. */
export function slotOf(channel: string): number {
  const open = channel.indexOf('{');
  const close = open < 0 ? -1 : channel.indexOf('}', open + 1);
  const hashed = close > open + 1 ? channel.slice(open + 1, close) : channel;
  let crc = 0;
  for (const byte of Buffer.from(hashed)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
    crc &= 0xffff;
  }
  return crc % SLOTS;
}

interface Master {
  readonly host: string;
  readonly port: number;
}

/** Masters, and by slot the place of its own among them; -1 where nobody has the slot. */
export interface SlotMap {
  readonly masters: readonly Master[];
  readonly owners: Int16Array;
}

/** @param asked where the reply came from: a node that does not know its own address says so with an empty one */
export function readSlots(reply: unknown, asked: string): SlotMap {
  const masters: Master[] = [];
  const owners = new Int16Array(SLOTS).fill(-1);
  for (const range of Array.isArray(reply) ? (reply as unknown[]) : []) {
    if (!Array.isArray(range)) continue;
    const [from, to, master] = range as [unknown, unknown, unknown];
    if (!Array.isArray(master)) continue;
    const host = String(master[0] ?? '') || asked;
    const port = Number(master[1]);
    let place = masters.findIndex((known) => known.host === host && known.port === port);
    if (place < 0) place = masters.push({ host, port }) - 1;
    owners.fill(place, Number(from), Number(to) + 1);
  }
  return { masters, owners };
}
