import type { Publication } from '@im/protocol';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PUBLISH } from './bus-format.js';
import { MessageReader } from './message.js';
import { anyPublication, groupId, mutated } from './packs.fixture.js';
import { PublishPackReader } from './publish-pack-reader.js';
import { PublishPackWriter } from './publish-pack-writer.js';

type Written = readonly [groups: readonly string[], publication: Publication];

const written = fc.array(fc.tuple(fc.uniqueArray(groupId, { minLength: 1, maxLength: 5 }), anyPublication('normal')), {
  maxLength: 30,
});

function write(publications: readonly Written[]): Buffer {
  const writer = new PublishPackWriter('peer0001');
  publications.forEach(([groups, publication], number) => {
    if (groups.length === 1) writer.publication(groups[0] as string, 0, publication, number);
    else writer.publicationToMany(groups, publication, number);
  });
  return writer.take(1, 7);
}

function read(pack: Buffer): [number, string[], Publication][] {
  const [reader, message] = [new PublishPackReader(), new MessageReader()];
  const found: [number, string[], Publication][] = [];
  reader.open(pack);
  while (reader.next()) {
    const isRun = reader.kind === PUBLISH.run;
    let at = reader.start;
    for (let place = 0; place < (isRun ? reader.count : 1); place++) {
      at = message.read(pack, at);
      const groups = isRun ? [reader.group] : reader.groups();
      found.push([reader.number + place, groups, message.publication('normal')]);
    }
  }
  return found;
}

describe('publish packs', () => {
  it('are read as they were written, in order and with their numbers', () => {
    fc.assert(
      fc.property(written, (publications) => {
        const found = read(write(publications));
        expect(found).toEqual(publications.map(([groups, publication], number) => [number, [...groups], publication]));
      }),
    );
  });

  it('name their peer, number and flags, and are empty after', () => {
    const writer = new PublishPackWriter('peer0001');
    writer.publication('r:1', 0, { lane: 'normal', event: 'chat', body: Buffer.from('1'), time: 1 }, 0);
    const reader = new PublishPackReader();
    reader.open(writer.take(1, 7));
    expect([reader.peer, reader.pack, reader.flags, writer.isEmpty]).toEqual(['peer0001', 7, 1, true]);
  });

  it('put messages of one group that follow each other into one record', () => {
    const publication = { lane: 'normal', event: 'chat', body: Buffer.from('1'), time: 1 } as const;
    const reader = new PublishPackReader();
    reader.open(
      write([
        [['r:1'], publication],
        [['r:1'], publication],
        [['r:2'], publication],
      ]),
    );
    const counts: [string, number][] = [];
    while (reader.next()) counts.push([reader.group, reader.count]);
    expect(counts).toEqual([
      ['r:1', 2],
      ['r:2', 1],
    ]);
  });

  it('are refused with MALFORMED and nothing else, whatever bytes come', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated(written.map(write))), (bytes) => {
        try {
          read(Buffer.from(bytes));
        } catch (error) {
          expect(error).toMatchObject({ name: 'MALFORMED' });
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
