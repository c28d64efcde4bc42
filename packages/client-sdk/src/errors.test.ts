import { CodedError, ERROR_CODES, ImError } from '@im/protocol';
import { describe, expect, it } from 'vitest';
import { OWN_CODES, ownError, toCodedError } from './errors.js';

describe('the errors that the client raises itself', () => {
  it.each(Object.keys(OWN_CODES) as (keyof typeof OWN_CODES)[])('%s is the registry’s', (name) => {
    const { code, retryable } = ERROR_CODES[name];
    expect(OWN_CODES[name]).toBe(code);
    // TOKEN_EXPIRED is recognised, never raised.
    if (name !== 'TOKEN_EXPIRED') expect(ownError(name)).toMatchObject({ name, code, retryable });
  });

  it('are ImErrors with a message, details and cause', () => {
    const cause = new Error('cycle');
    const error = ownError('INVALID_ARGUMENT', { field: 'data' }, { cause });
    expect(error).toBeInstanceOf(ImError);
    expect(error).toMatchObject({ message: 'invalid_argument', details: { field: 'data' }, cause });
  });

  it('keeps errors that have a code and hides others behind INTERNAL', () => {
    const known = new CodedError({ code: 1001, name: 'TOO_FAST', message: 'slow down', retryable: true });
    expect(toCodedError(known)).toBe(known);
    const unknown = new TypeError('x is not a function');
    expect(toCodedError(unknown)).toMatchObject({ name: 'INTERNAL', cause: unknown });
  });
});
