import { CLOSE_CODES, type ErrorMessage, ImError } from '@im/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge } from './verdict.js';

const refusal = (name: 'UNAUTHORIZED' | 'TOKEN_EXPIRED' | 'VERIFIER_UNAVAILABLE'): ErrorMessage => ({
  type: 'error',
  id: 1,
  ...new ImError(name).toBody(),
});

describe('judge', () => {
  it('[PR-120] lets the range of a close code decide, also of codes of later releases', () => {
    fc.assert(
      fc.property(fc.integer({ min: 4_000, max: 4_999 }), (code) => {
        const { cause } = judge(code, '');
        expect(cause === 'forbidden').toBe(code >= 4_500);
      }),
    );
  });

  it('[PR-121] reconnects after every other code', () => {
    for (const code of [1000, 1001, 1005, 1006, 1011, 1012, 1015, 3000, 3999]) {
      expect(judge(code, 'r')).toEqual({ cause: 'lost', code, reason: 'r' });
    }
  });

  it('[PR-36] asks for a new token after TOKEN_EXPIRED', () => {
    expect(judge(CLOSE_CODES.TOKEN_EXPIRED.code, '').cause).toBe('expired');
    expect(judge(1006, '', refusal('TOKEN_EXPIRED'))).toMatchObject({ cause: 'expired', code: 201 });
  });

  it('[PR-25] lets code and retryability of the refusal decide where the close code was lost on the way', () => {
    expect(judge(1006, '', refusal('UNAUTHORIZED'))).toMatchObject({ cause: 'forbidden', code: 200 });
    expect(judge(1006, '', refusal('VERIFIER_UNAVAILABLE'))).toMatchObject({ cause: 'lost', code: 202 });
  });

  it('[PR-120] lets the close code decide where both are there', () => {
    expect(judge(4005, 'VERIFIER_UNAVAILABLE', refusal('UNAUTHORIZED'))).toMatchObject({ cause: 'lost', code: 4005 });
    expect(judge(4502, 'UNAUTHORIZED', refusal('VERIFIER_UNAVAILABLE'))).toMatchObject({ cause: 'forbidden' });
  });
});
