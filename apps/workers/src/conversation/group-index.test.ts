import type { CallerContext } from '@im/protocol';
import { encodeJson } from '@im/rpc';
import type { RecordChange } from '@im/timeline';
import { createMemoryRecordStore } from '@im/timeline/memory';
import { expect, it } from 'vitest';
import { GroupIndex } from './group-index.js';

const caller = { user: 'ann' } as CallerContext;
const GROUP = 'g:hikers';

it('says in the end what the group says, though somebody left between its looking and its writing', async () => {
  const records = createMemoryRecordStore();
  await records.write(GROUP, [{ field: 'm.bob', body: encodeJson({ role: 'member', joined: 7, since: 1 }) }]);
  const others = new GroupIndex(records);
  let meanwhile = async () => {
    await records.write(GROUP, [{ field: 'm.bob', body: undefined }]);
    // Finds nothing to do: nothing was listed yet.
    await others.follow(caller, GROUP, 'bob');
  };
  const slow = new GroupIndex({
    get: (owner, fields) => records.get(owner, fields),
    page: (owner, range) => records.page(owner, range),
    async write(owner: string, changes: readonly RecordChange[]) {
      const first = meanwhile;
      meanwhile = async () => {};
      await first();
      await records.write(owner, changes);
    },
  });
  await slow.follow(caller, GROUP, 'bob');
  expect(await others.groupsOf({ ...caller, user: 'bob' })).toEqual([]);
});
