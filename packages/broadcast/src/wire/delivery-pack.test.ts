import type { Delivery } from '@im/protocol';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DELIVER } from './bus-format.js';
import { type DeliveryPackHandler, DeliveryPackReader, type RunReader } from './delivery-pack-reader.js';
import { DeliveryPackWriter } from './delivery-pack-writer.js';
import type { NameBatch, Named } from './name-table.js';
import { anyPublication, groupId, mutated } from './packs.fixture.js';
import { PublishPackReader } from './publish-pack-reader.js';
import { PublishPackWriter } from './publish-pack-writer.js';

type Told = readonly unknown[];

/** Writes down what it is handed. */
class Recorder implements DeliveryPackHandler<Named> {
  readonly told: Told[] = [];
  /** By which groups were named. */
  readonly aliases: number[] = [];
  readonly #isKnown: (group: string) => boolean;

  constructor(isKnown: (group: string) => boolean = () => true) {
    this.#isKnown = isKnown;
  }

  find(alias: number, bytes: Buffer, at: number, length: number): Named | undefined {
    if (alias !== 0) this.aliases.push(alias);
    const group = bytes.toString('latin1', at, at + length);
    return this.#isKnown(group) ? { group } : undefined;
  }

  findBatch(bytes: Buffer, batch: NameBatch<Named>): void {
    for (let i = 0; i < batch.count; i++) {
      batch.found[i] = this.find(0, bytes, batch.at[i] as number, batch.length[i] as number);
    }
  }

  onRun({ group }: Named, position: number, run: RunReader): void {
    for (let place = 0; place < run.count; place++) this.told.push(['normal', group, position + place, run.next()]);
  }

  onVersioned({ group }: Named, delivery: Delivery): void {
    this.told.push(['priority', group, delivery]);
  }

  onBase({ group }: Named, position: number, isFresh: boolean): void {
    this.told.push(['base', group, position, isFresh]);
  }

  onHead({ group }: Named, epoch: string, version: number): void {
    this.told.push(['head', group, epoch, version]);
  }

  onNumber(kind: number, number: number): void {
    this.told.push(['number', kind, number]);
  }

  onSequenced(...answer: [number, number, string, number, boolean]): void {
    this.told.push(['sequenced', ...answer]);
  }

  onFailed(...failure: [number, number, object]): void {
    this.told.push(['failed', ...failure]);
  }
}

function read(pack: Buffer, shared?: Buffer, recorder = new Recorder()): Told[] {
  const reader = new DeliveryPackReader(recorder);
  reader.open(pack);
  reader.read(shared);
  return recorder.told;
}

const versioned = fc.tuple(groupId, fc.nat(1_000), fc.stringMatching(/^[a-z0-9]{1,20}$/), anyPublication('priority'));

/** Things that a node says on the priority lane, each as it is written and as it is told. */
const saying = fc.oneof(
  versioned.map(([group, version, epoch, publication]) => ({
    write: (writer: DeliveryPackWriter) => writer.versioned(group, epoch, version, publication),
    told: ['priority', group, { ...publication, group, epoch, version }],
  })),
  versioned.map(([group, version, epoch]) => ({
    write: (writer: DeliveryPackWriter) => writer.head(group, { epoch, version }),
    told: ['head', group, epoch, version],
  })),
  // Some of these follow each other.
  fc.tuple(groupId, fc.nat(1_000), fc.constantFrom('e1', 'e2')).map(([group, version, epoch]) => ({
    write: (writer: DeliveryPackWriter) => writer.head(group, { epoch, version }),
    told: ['head', group, epoch, version],
  })),
  fc.tuple(groupId, fc.maxSafeNat(), fc.boolean()).map(([group, position, isFresh]) => ({
    write: (writer: DeliveryPackWriter) => writer.base(group, position, isFresh),
    told: ['base', group, position, isFresh],
  })),
  fc.tuple(fc.nat(), fc.nat(9_999), versioned, fc.boolean()).map(([number, place, [, version, epoch], again]) => ({
    write: (writer: DeliveryPackWriter) => writer.sequenced(number, place, { epoch, version }, again),
    told: ['sequenced', number, place, epoch, version, again],
  })),
  // Some of these follow each other.
  fc.tuple(fc.nat(1), fc.nat(3), fc.constantFrom('e1', 'e2'), fc.boolean()).map(([number, place, epoch, again]) => ({
    write: (writer: DeliveryPackWriter) => writer.sequenced(number, place, { epoch, version: place }, again),
    told: ['sequenced', number, place, epoch, place, again],
  })),
  fc.tuple(fc.nat(), fc.nat(9_999), fc.string()).map(([number, place, message]) => ({
    write: (writer: DeliveryPackWriter) => writer.failed(number, place, JSON.stringify({ message })),
    told: ['failed', number, place, { message }],
  })),
  fc.nat().map((number) => ({
    write: (writer: DeliveryPackWriter) => writer.number(DELIVER.marker, number),
    told: ['number', DELIVER.marker, number],
  })),
);
const sayings = fc.array(saying, { maxLength: 30 });

function write(said: readonly { write(writer: DeliveryPackWriter): void }[]): Buffer {
  const writer = new DeliveryPackWriter('peer0001', 'priority');
  for (const one of said) one.write(writer);
  return writer.take(5, 6);
}

describe('delivery packs', () => {
  it('tell answers that share their record with earlier ones behind the deliveries that came between', () => {
    const writer = new DeliveryPackWriter('peer0001', 'priority');
    const publication = { lane: 'priority', event: 'a', body: Buffer.from('b'), time: 0 } as const;
    writer.sequenced(1, 0, { epoch: 'e', version: 7 }, false);
    writer.versioned('r:a', 'e', 8, publication);
    writer.sequenced(1, 1, { epoch: 'e', version: 8 }, false);
    expect(read(writer.take(5, 6)).map(([what]) => what)).toEqual(['sequenced', 'priority', 'sequenced']);
  });

  it('are read as they were written, in order', () => {
    fc.assert(
      fc.property(sayings, (said) => {
        expect(read(write(said))).toEqual(said.map(({ told }) => told));
      }),
    );
  });

  it('carry a publication to many groups once, and epochs where they change', () => {
    const publication = { lane: 'priority', event: 'gift', body: Buffer.alloc(1_000), time: 1 } as const;
    const writer = new DeliveryPackWriter('peer0001', 'priority');
    const epochs = ['a-store-in-memory', 'a-store-in-memory', 'another'];
    const places = Array.from({ length: 99 }, (_, user) => [`u:${user}`, epochs[Math.floor(user / 33)], user] as const);
    for (const [group, epoch = '', version] of places) writer.versioned(group, epoch, version, publication);
    const pack = writer.take(1, 1);
    expect(pack.length).toBeLessThan(1_100 + 100 * 14);
    const told = read(pack).map(([, group, delivery]) => {
      const { epoch, version } = delivery as Delivery;
      return [group, epoch, version];
    });
    expect(told).toEqual(places);
  });

  it('carry a normal message to any number of groups, to each its own position', () => {
    for (const count of [1, 63, 64, 65, 128, 129, 300]) {
      const publisher = new PublishPackWriter('publish1');
      const groups = Array.from({ length: count }, (_, user) => `u:${user}`);
      publisher.publicationToMany(groups, { lane: 'normal', event: 'news', body: Buffer.from('1'), time: 1 }, 1);
      const source = new PublishPackReader();
      source.open(publisher.take(0, 1));
      source.next();
      const places: number[] = [];
      for (let at = source.namesAt; at < source.start; at += 1 + (source.bytes[at] as number)) {
        places.push(at, 1_000 + places.length);
      }
      const writer = new DeliveryPackWriter('peer0001', 'normal');
      writer.many(source.bytes, places, source.start, source.end);
      const told = read(writer.take(1, 1)).map(([, group, position]) => [group, position]);
      expect(told).toEqual(groups.map((group, index) => [group, 1_000 + 2 * index]));
    }
  });

  it('carry the answers to one publication for many groups together', () => {
    const writer = new DeliveryPackWriter('peer0001', 'priority');
    for (let place = 0; place < 1_000; place++) writer.sequenced(7, place, { epoch: 'e1', version: place }, false);
    const pack = writer.take(1, 1);
    expect(pack.length).toBeLessThan(1_000 * 8 + 50);
    expect(read(pack)).toEqual(
      Array.from({ length: 1_000 }, (_, place) => ['sequenced', 7, place, 'e1', place, false]),
    );
  });

  it('pass runs of publish packs on: copied, or with the pack itself and an index', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(groupId, anyPublication('normal')), { minLength: 1, maxLength: 20 }),
        (published) => {
          const publisher = new PublishPackWriter('peer0002');
          published.forEach(([group, publication], number) => {
            publisher.publication(group, number, publication, number);
          });
          const source = publisher.take(0, 1);
          const reader = new PublishPackReader();
          reader.open(source);
          const [copies, index] = [
            new DeliveryPackWriter('peer0001', 'normal'),
            new DeliveryPackWriter('peer0001', 'normal'),
          ];
          const places: number[] = [];
          for (let position = 100; reader.next(); position += reader.count) {
            copies.run(source, reader.at, position);
            places.push(reader.at, 1_000 + position, position);
          }
          index.shared(places);
          const expected = published.map(([group, publication], place) => [
            'normal',
            group,
            100 + place,
            { ...publication, group },
          ]);
          expect(read(copies.take(1, 1))).toEqual(expected);
          const recorder = new Recorder();
          expect(read(index.take(1, 1), source, recorder)).toEqual(expected);
          expect(recorder.aliases).toEqual(places.filter((_, at) => at % 3 === 1));
        },
      ),
    );
  });

  it('make nothing of groups that the receiver does not know', () => {
    const writer = new DeliveryPackWriter('peer0001', 'priority');
    const publication = { lane: 'priority', event: 'gift', body: Buffer.alloc(1), time: 1 } as const;
    writer.versioned('r:1', 'e', 1, publication);
    writer.versioned('r:2', 'e', 1, { ...publication, time: 2 });
    const recorder = new Recorder((group) => group === 'r:2');
    expect(read(writer.take(1, 1), undefined, recorder).map(([, group]) => group)).toEqual(['r:2']);
  });

  it('name an epoch once for heads that follow each other, and are as long as they say', () => {
    const writer = new DeliveryPackWriter('peer0001', 'priority');
    const epoch = 'e'.repeat(24);
    for (let i = 0; i < 1_000; i++) writer.head(`u:${i + 1_000}`, { epoch, version: i });
    const { bytes } = writer;
    const pack = writer.take(1, 1);
    expect(pack.length).toBe(bytes + 8);
    expect(pack.length).toBeLessThan(1_000 * 17 + 100);
    expect(read(pack).at(-1)).toEqual(['head', 'u:1999', epoch, 999]);
  });

  it('pass over kinds of later releases', () => {
    const writer = new DeliveryPackWriter('peer0001', 'priority');
    writer.number(200, 1);
    writer.head('r:1', { epoch: 'e', version: 1 });
    expect(read(writer.take(1, 1))).toContainEqual(['head', 'r:1', 'e', 1]);
  });

  it('are refused with MALFORMED and nothing else, whatever bytes come', () => {
    const anything = fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated(sayings.map(write)));
    fc.assert(
      fc.property(anything, fc.option(fc.uint8Array({ maxLength: 60 }), { nil: undefined }), (bytes, shared) => {
        try {
          read(Buffer.from(bytes), shared && Buffer.from(shared));
        } catch (error) {
          expect(error).toMatchObject({ name: 'MALFORMED' });
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
