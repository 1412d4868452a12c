import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assertPersistable } from '../../src/install/desired.ts';

let directory: string;
const persist = (file: string) => () => assertPersistable({ name: 'e', interpreter: join(directory, file) });

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'wanted-'));
  writeFileSync(join(directory, 'program'), '', { mode: 0o755 });
  writeFileSync(join(directory, 'text'), '', { mode: 0o644 });
  mkdirSync(join(directory, 'directory'));
});
afterAll(() => rmSync(directory, { recursive: true }));

describe('assertPersistable', () => {
  it('accepts an interpreter that is an executable file', () => {
    expect(persist('program')).not.toThrow();
  });

  it.each(['missing', 'text', 'directory'])('refuses to persist a rule whose interpreter is %s', (file) => {
    expect(persist(file)).toThrow(
      expect.objectContaining({
        code: 'EMULATOR_NOT_FOUND',
        message: `cannot persist entry e: its interpreter ${directory}/${file} is missing or not an executable file`,
      }),
    );
  });
});
