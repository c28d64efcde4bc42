import { describe, expect, it } from 'vitest';
import { type ConnectionState, mayBecome } from './connection-state.js';

describe('mayBecome', () => {
  it('knows every edge of the table, and no other', () => {
    const phases = ['awaiting-hello', 'authenticating', 'open', 'closed'] as const;
    const edges = phases.flatMap((from) =>
      phases.flatMap((to) =>
        mayBecome({ phase: from } as ConnectionState, { phase: to } as ConnectionState) ? [`${from} ${to}`] : [],
      ),
    );
    expect(edges).toEqual([
      'awaiting-hello authenticating',
      'awaiting-hello closed',
      'authenticating open',
      'authenticating closed',
      'open closed',
    ]);
  });
});
