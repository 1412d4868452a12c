import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findLogin } from '../../src/oci/registry/credentials.ts';

const folder = mkdtempSync(join(tmpdir(), 'binfmtctl-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('findLogin', () => {
  let count = 0;
  const look = async (make: (path: string) => void) => {
    const warnings: string[] = [];
    const home = join(folder, String(count++));
    const path = join(home, '.docker/config.json');
    mkdirSync(join(home, '.docker'), { recursive: true });
    make(path);
    const environment = { HOME: home };
    const { signal } = new AbortController();
    const warn = (text: string): void => void warnings.push(text);
    const login = await findLogin('registry.example', 'a/b', { signal, warn, environment });
    return { login, warnings, path };
  };
  const text = (content: string) => (path: string) => writeFileSync(path, content);

  it('warns about invalid JSON without printing the contents', async () => {
    const { login, warnings, path } = await look(text('{"auths": {"secret"'));
    expect({ login, warnings }).toEqual({
      login: null,
      warnings: [`ignored the credentials in ${path}: not valid JSON`],
    });
  });

  it('warns about a file that cannot be read', async () => {
    const { login, warnings } = await look((path) => mkdirSync(path));
    expect({ login, warnings }).toEqual({
      login: null,
      warnings: [expect.stringMatching(/^ignored the credentials in (.*config\.json): cannot read \1: /)],
    });
  });

  it.each([
    ['no file', () => {}],
    ['an empty file', text('')],
    ['a file without credentials', text('{}')],
  ])('is silent about %s', async (_, make) => {
    expect(await look(make)).toMatchObject({ login: null, warnings: [] });
  });
});
