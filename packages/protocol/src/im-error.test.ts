import { describe, expect, it } from 'vitest';
import { CodedError } from './coded-error.js';
import { ERROR_CODES, type ErrorName } from './error-codes.js';
import { ImError } from './im-error.js';

describe('ImError', () => {
  it.each(Object.keys(ERROR_CODES) as ErrorName[])(
    '%s carries code, name, retryability and line of the registry',
    (name) => {
      const { code, retryable, message } = ERROR_CODES[name];
      expect(new ImError(name)).toMatchObject({ name, code, retryable, message, details: undefined });
    },
  );

  it('takes message, details, retryability and cause from whoever raises it', () => {
    const cause = new Error('socket');
    const error = new ImError('INTERNAL', { message: 'm', details: { a: 1 }, retryable: true, cause });
    expect(error).toMatchObject({ message: 'm', details: { a: 1 }, retryable: true, cause });
    expect(error).toBeInstanceOf(Error);
  });

  it('[PR-24] travels as code, name, message, retryable and details, without cause and stack', () => {
    const body = new ImError('RATE_LIMITED', { details: { retryAfterMs: 5 }, cause: new Error('secret') }).toBody();
    expect(JSON.parse(JSON.stringify(body))).toEqual({
      code: 106,
      name: 'RATE_LIMITED',
      message: ERROR_CODES.RATE_LIMITED.message,
      retryable: true,
      details: { retryAfterMs: 5 },
    });
    expect(new ImError('INTERNAL').toBody()).not.toHaveProperty('details');
  });

  it('comes back from the wire as it went', () => {
    const sent = new ImError('QUEUE_FULL', { message: 'm', details: { a: 1 }, retryable: false });
    const back = ImError.from(sent.toBody());
    expect(back).toBeInstanceOf(ImError);
    expect(back.toBody()).toEqual(sent.toBody());
  });

  it('[PR-25] keeps number, name and retryability of codes it does not know', () => {
    const body = { code: 699, name: 'OF_A_LATER_RELEASE', message: 'm', retryable: true };
    expect(ImError.from(body)).toMatchObject(body);
  });

  it('[PR-25] gives applications their codes from 1000 and nothing below', () => {
    const options = { message: 'out of stock', retryable: true, details: { left: 0 } };
    expect(ImError.application(1000, 'SOLD_OUT', options).toBody()).toEqual({
      code: 1000,
      name: 'SOLD_OUT',
      ...options,
    });
    expect(ImError.application(1001, 'MUTED').toBody()).toEqual({
      code: 1001,
      name: 'MUTED',
      message: 'MUTED',
      retryable: false,
    });
    for (const code of [999, 0, -1, 1000.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(ImError.application(code, 'X').code).toBe(ERROR_CODES.INTERNAL.code);
    }
  });

  it('is what a program without the registry throws, too', () => {
    const error = new CodedError({ code: 100, name: 'MALFORMED', message: 'm', retryable: false }, { cause: 'cause' });
    expect(error).toBeInstanceOf(ImError);
    expect(error).toMatchObject({ cause: 'cause' });
    expect(ImError.wrap(error)).toBe(error);
    expect(new Error('m')).not.toBeInstanceOf(ImError);
  });

  it('has subclasses whose instances are theirs alone', () => {
    class Mine extends ImError {}
    expect(new Mine('CLOSED')).toBeInstanceOf(Mine);
    expect(new Mine('CLOSED')).toBeInstanceOf(ImError);
    expect(new ImError('CLOSED')).not.toBeInstanceOf(Mine);
  });

  it('wraps what is thrown without showing its text', () => {
    const known = new ImError('FORBIDDEN');
    expect(ImError.wrap(known)).toBe(known);
    for (const thrown of [new Error('password is hunter2'), 'hunter2', undefined, null, 7]) {
      const wrapped = ImError.wrap(thrown);
      expect(wrapped.name).toBe('INTERNAL');
      expect(wrapped.cause).toBe(thrown);
      expect(JSON.stringify(wrapped.toBody())).not.toContain('hunter2');
    }
  });
});
