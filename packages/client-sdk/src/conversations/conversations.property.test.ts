/** Conversations of one user on two devices against everything that a network does to them, in random order. */
import { FakeClock } from '@im/protocol/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createClient } from '../index.js';
import { FakeConversations, FakeGateway, FakeSignals } from '../testing/index.js';
import { type Conversation, conversations, type MessageLine } from './index.js';
import type { Entry, MessageData } from './service.js';

const devices = ['phone', 'desk'] as const;
const targets = ['bob', 'group'] as const;

const steps = fc.array(
  fc.record({
    what: fc.constantFrom(
      ...(['write', 'write', 'send', 'send', 'send', 'pass', 'pass', 'read', 'take back', 'forget', 'older'] as const),
      ...(['cut', 'cut', 'die', 'hold', 'release', 'skip', 'forget session'] as const),
    ),
    device: fc.constantFrom(...devices),
    target: fc.constantFrom(...targets),
    n: fc.nat(40),
  }),
  { minLength: 1, maxLength: 60 },
);

it('show what is stored, each once, in order and without a hole, on every device, and lose nothing that was sent', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (taken) => {
      const gateway = new FakeGateway();
      const clock = new FakeClock();
      const service = new FakeConversations(gateway);
      const group = service.create('Friends', 'bob', 'ann');
      const ids = { bob: service.direct('ann', 'bob'), group };
      const pass = async (ms: number): Promise<void> => {
        await gateway.settled();
        for (let left = ms; left > 0; left -= 250) {
          clock.advance(Math.min(250, left));
          await gateway.settled();
        }
      };
      const people = devices.map((device) => {
        const ports = { clock, random: () => (device === 'phone' ? 0.4 : 0.6) };
        const client = createClient(
          { url: 'wss://a', token: 'ann', device, WebSocket: gateway.WebSocket },
          { ...ports, signals: new FakeSignals() },
        );
        const all = conversations(client, ports);
        const open = { bob: all.with('bob'), group: all.open(group) };
        for (const conversation of Object.values(open)) conversation.on('change', () => {});
        const sent: Record<(typeof targets)[number], string[]> = { bob: [], group: [] };
        client.connect();
        return { device, client, all, open, sent };
      });
      const link = (device: string) => gateway.links.filter(({ hello }) => hello?.device === device).at(-1);
      const isRight = (conversation: Conversation, id: string, forgotten: ReadonlySet<number>) => {
        // One's own that were just stored may be shown at the end before what is between is here.
        const { lines } = conversation;
        let end = lines.length;
        for (let line = lines[end - 1]; line?.kind === 'message' && line.mine; line = lines[end - 1]) end--;
        const shown = lines.slice(0, end).flatMap(({ version }) => version ?? []);
        const first = shown[0] ?? 1;
        const stored = service
          .entries('nobody', id)
          .filter(({ version, event }) => version >= first && version <= (shown.at(-1) ?? 0) && event !== 'taken-back');
        const hidden = (version: number) => !forgotten.has(version) || shown.includes(version);
        expect(shown).toEqual(stored.map(({ version }) => version).filter(hidden));
      };
      await pass(500);
      const forgotten = { bob: new Set<number>(), group: new Set<number>() };
      let texts = 0;
      for (const { what, device, target, n } of taken) {
        const person = people.find((one) => one.device === device) as (typeof people)[number];
        const conversation = person.open[target];
        const id = ids[target];
        const { head } = gateway.log(id);
        const version = 1 + (n % Math.max(1, head.version));
        const entry = service.entries('ann', id).find((one) => one.version === version);
        if (what === 'write')
          service.send('bob', { ...(target === 'bob' ? { to: 'ann' } : { conversation: id }), text: `b${++texts}` });
        else if (what === 'send') {
          const text = n % 4 === 0 ? 'same' : `${device} ${++texts}`;
          conversation.send(text);
          person.sent[target].push(text);
        } else if (what === 'pass') await pass(n * 100);
        else if (what === 'read') conversation.read();
        else if (what === 'take back' && entry?.event === 'message') service.takeBack('bob', id, version);
        else if (what === 'forget' && entry) {
          forgotten[target].add(version);
          void conversation.forget({ versions: [version] }).catch(() => {});
        } else if (what === 'older') void conversation.load('older').catch(() => {});
        else if (what === 'cut') link(device)?.cut();
        else if (what === 'die') link(device)?.die();
        else if (what === 'hold') link(device)?.hold();
        else if (what === 'release') link(device)?.release();
        else if (what === 'skip') link(device)?.skip(1 + (n % 3));
        else if (what === 'forget session') gateway.tickets.clear();
        await gateway.settled();
        for (const { open } of people) for (const each of targets) isRight(open[each], ids[each], forgotten[each]);
      }
      // Calm returns. One more message makes the last hole visible.
      for (const { device } of people) {
        link(device)?.release();
        link(device)?.skip(0);
      }
      await pass(70_000);
      service.send('bob', { to: 'ann', text: 'last' });
      service.send('bob', { conversation: group, text: 'last' });
      await pass(10_000);

      for (const { all, open, sent } of people) {
        for (const target of targets) {
          const id = ids[target];
          const stored = service.entries('ann', id);
          const messages = stored.filter(({ event }) => event === 'message');
          isRight(open[target], id, forgotten[target]);
          expect(open[target].lines.at(-1)).toMatchObject({ text: 'last' });
          const own = open[target].lines.filter((line): line is MessageLine => line.kind === 'message' && line.mine);
          expect(own.filter(({ state, takenBack }) => !takenBack && state !== 'sent')).toEqual([]);
          const log = gateway.log(id).after(0) as unknown as Entry[];
          const written = log
            .filter(({ event }) => event === 'message')
            .map(({ data }) => (data as MessageData).text ?? '');
          for (const text of new Set(sent[target])) {
            const all = people.flatMap((one) => one.sent[target]).filter((one) => one === text);
            expect(written.filter((one) => one === text)).toHaveLength(all.length);
          }
          const unlike = sent[target].filter((text) => text !== 'same');
          expect(written.filter((text) => unlike.includes(text))).toEqual(unlike);
          const takenBack = messages
            .filter(({ data }) => (data as MessageData).takenBack)
            .map(({ version }) => version);
          const shown = open[target].lines
            .filter((line) => line.kind === 'message' && line.takenBack)
            .map(({ version }) => version);
          const first = open[target].lines[0]?.version ?? 0;
          expect(shown.filter((version) => !forgotten[target].has(version as number))).toEqual(
            takenBack.filter((version) => version >= first && !forgotten[target].has(version)),
          );
        }
        const summaries = Object.values(ids).map((id) => service.summary('ann', id));
        expect(all.unread).toBe(summaries.reduce((sum, { unread }) => sum + unread, 0));
      }
      for (const { client, all } of people) {
        all.close();
        client.close();
      }
      await gateway.settled();
      expect(clock.pendingTimers).toBe(0);
    }),
    { numRuns: 100 },
  );
}, 120_000);
