import { describe, expect, it } from 'vitest';
import { withoutCommands } from '../../../../src/cli/action/log.ts';

describe('harmless', () => {
  it.each([
    ['Fetch emulators: 3 of 4 MB', 'Fetch emulators: 3 of 4 MB'],
    ['::set-output name=x::y', ': :set-output name=x: :y'],
    [' ::add-mask::a', ': :add-mask: :a'],
    ['a\n::stop-commands::b', 'a; : :stop-commands: :b'],
    ['text ##[error]no', 'text # #[error]no'],
  ])('%j has no command for the runner', (line, expected) => {
    expect(withoutCommands(line)).toBe(expected);
  });
});
