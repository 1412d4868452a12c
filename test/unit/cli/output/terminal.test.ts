import { describe, expect, it } from 'vitest';
import { summaryRows } from '../../../../src/cli/action/summary.ts';
import { onOneLine, table, visible, withoutControls } from '../../../../src/cli/output/terminal.ts';

const ESC = '\x1b';

describe('visible', () => {
  it.each([
    [`${ESC}[2J`, '\\x1b[2J'],
    ['a\rb\nc\td', 'a\\x0db\\x0ac\\x09d'],
    ['\x7f\x9b31m', '\\x7f\\x9b31m'],
    ['\u202egpj.exe\u2066', '\\u202egpj.exe\\u2066'],
    ['qemu-ärm → ✔', 'qemu-ärm → ✔'],
    ['caf\udce9 😀', 'caf\\xe9 😀'],
  ])('escapes what acts on a terminal: %j', (text, shown) => {
    expect(visible(text)).toBe(shown);
  });
});

describe('harmless', () => {
  it('keeps line ends, and only the colours of our own', () => {
    const text = `${ESC}[31mred${ESC}[39m\n${ESC}]0;title\x07\n`;
    expect(withoutControls(text, { colours: true, inActions: false })).toBe(
      `${ESC}[31mred${ESC}[39m\n\\x1b]0;title\\x07\n`,
    );
    expect(withoutControls(text, { colours: false, inActions: false })).toBe(
      '\\x1b[31mred\\x1b[39m\n\\x1b]0;title\\x07\n',
    );
  });

  it('makes no line a workflow command of GitHub Actions', () => {
    const text = '::set-output name=a::b\n  ::add-mask::x\n- ##[error]y\n- a::b\n';
    const shown = withoutControls(text, { colours: false, inActions: true });
    expect(shown).not.toMatch(/^\s*::/m);
    expect(shown).not.toContain('##[');
    expect(withoutControls(text, { colours: false, inActions: false })).toBe(text);
  });
});

it('table escapes its cells and is as wide as they are then', () => {
  expect(
    table([
      ['A', 'B'],
      [`${ESC}x`, 'y\nz'],
    ]),
  ).toBe('A      B\n\\x1bx  y\\x0az');
});

it('onOneLine joins the lines of other programs', () => {
  expect(onOneLine(` one\n two${ESC}\n`)).toBe('one; two\\x1b');
});

it('a cell of the summary is neither HTML nor Markdown nor a second line', () => {
  const missing = [{ arch: 'sh4', why: 'a\r\n|<b>`x`&' }];
  const status = { entries: [] } as unknown as Parameters<typeof summaryRows>[0];
  const why = summaryRows(status, { proofs: [], missing }).at(-1)?.at(-1);
  expect(why).toBe('left out: a\\x0d\\x0a&#124;&#60;b&#62;&#96;x&#96;&#38;');
});
