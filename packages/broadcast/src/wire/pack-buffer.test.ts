import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PackBuffer, readUint32, writeUint32 } from './pack-buffer.js';

function write(pack: PackBuffer, bytes: Uint8Array): void {
  pack.reserve(bytes.length).set(bytes, pack.length);
  pack.length += bytes.length;
}

describe('pack buffer', () => {
  it('gives what was written, behind what is kept, in little more memory, and never touches it again', () => {
    const sizes = fc.array(fc.array(fc.integer({ min: 0, max: 30_000 }), { maxLength: 6 }), { maxLength: 8 });
    fc.assert(
      fc.property(sizes, (packs) => {
        const pack = new PackBuffer();
        write(pack, Buffer.from('head'));
        const taken = packs.map((writes, number) => {
          for (const size of writes) write(pack, Buffer.alloc(size, number));
          return pack.take(4);
        });
        packs.forEach((writes, number) => {
          const expected = [Buffer.from('head'), ...writes.map((size) => Buffer.alloc(size, number))];
          const pack = taken[number] as Buffer;
          expect(pack.equals(Buffer.concat(expected))).toBe(true);
          expect(pack.buffer.byteLength * 3).toBeLessThan(pack.length * 4 + 4);
        });
      }),
    );
  });

  it('gives a pack that fills its memory that memory, without a copy', () => {
    const pack = new PackBuffer();
    const fill = (): void => write(pack, Buffer.alloc(65_536));
    fill();
    const first = pack.bytes.buffer;
    expect(pack.take(0).buffer).toBe(first);
    fill();
    const second = pack.bytes.buffer;
    expect(second).not.toBe(first);
    expect(pack.take(0).buffer).toBe(second);
  });

  it('copies a small one, so that it keeps no more memory than it has bytes', () => {
    const pack = new PackBuffer();
    write(pack, Buffer.alloc(10));
    expect(pack.take(0).buffer.byteLength).toBe(10);
  });

  it('reads any number of four bytes that it wrote', () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 32 - 1 }), (number) => {
        const bytes = new Uint8Array(6);
        writeUint32(bytes, number, 1);
        return readUint32(bytes, 1) === number;
      }),
    );
  });
});
