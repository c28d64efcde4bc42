import { describe, expect, it } from 'vitest';
import { AcknowledgedVersions } from './acknowledged-versions.js';

describe('acknowledged versions', () => {
  it('know the highest of an epoch, whatever the order in which they are told', () => {
    const versions = new AcknowledgedVersions(10);
    versions.note('r:1', { epoch: 'a', version: 5 });
    versions.note('r:1', { epoch: 'a', version: 3 });
    expect(versions.get('r:1')).toEqual({ epoch: 'a', version: 5 });
    versions.note('r:1', { epoch: 'b', version: 1 });
    expect(versions.get('r:1')).toEqual({ epoch: 'b', version: 1 });
  });

  it('forget the log that was used least recently beyond their number', () => {
    const versions = new AcknowledgedVersions(2);
    versions.note('r:1', { epoch: 'a', version: 1 });
    versions.note('r:2', { epoch: 'a', version: 1 });
    versions.note('r:1', { epoch: 'a', version: 2 });
    versions.note('r:3', { epoch: 'a', version: 1 });
    expect(versions.get('r:2')).toBeUndefined();
    expect(versions.get('r:1')).toEqual({ epoch: 'a', version: 2 });
  });
});
