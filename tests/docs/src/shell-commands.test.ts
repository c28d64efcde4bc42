import { describe, expect, it } from 'vitest';
import { parseCommands } from './shell-commands.js';

describe('parseCommands', () => {
  it.each([
    ['npm start -- --bots 200', [['npm', 'start', '--', '--bots', '200']]],
    [
      'npm test   # every check\n# only a comment\n\nnpm start',
      [
        ['npm', 'test'],
        ['npm', 'start'],
      ],
    ],
    ['curl -s a \\\n  -d \'{"x":\n "y"}\'', [['curl', '-s', 'a', '-d', '{"x":\n "y"}']]],
    [
      'IM_PORT=9000 A="b c" im serve; true && echo "a \\" b" | cat',
      [['im', 'serve'], ['true'], ['echo', 'a \\" b'], ['cat']],
    ],
    [
      'curl -H "authorization: Bearer $(cat .im/push-token)"',
      [
        ['cat', '.im/push-token'],
        ['curl', '-H', 'authorization: Bearer $(cat .im/push-token)'],
      ],
    ],
    ['X=1', []],
  ])('takes %j apart', (text, commands) => {
    expect(parseCommands(text)).toEqual(commands);
  });

  it('refuses a quote that is not closed', () => {
    expect(() => parseCommands("echo 'a")).toThrow("not understood: 'a");
  });
});
