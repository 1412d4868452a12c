/** A directory for the files of each test, and a store for the test file. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { binfmtctl, type Ran } from './command.ts';
import { removeAllEntries, temporaryFolder } from './machine.ts';

export interface Work {
  readonly folder: string;
  readonly store: string;
  readonly at: (name: string) => string;
  /** Writes a file and returns its path. */
  readonly put: (name: string, text: string | Uint8Array) => string;
  /** Runs the command with that store. */
  readonly run: (...words: readonly string[]) => Promise<Ran>;
}

/** For the top of a test file: each test gets a new directory, and leaves no entry. */
export function startWork(): Work {
  const top = temporaryFolder();
  const store = join(top, 'store');
  const folder = join(top, 'work');
  const at = (name: string): string => join(folder, name);
  beforeEach(() => mkdirSync(folder));
  afterEach(() => {
    removeAllEntries();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    folder,
    store,
    at,
    put: (name, text) => {
      writeFileSync(at(name), text);
      return at(name);
    },
    run: (...words) => {
      const end = words.includes('--') ? words.indexOf('--') : words.length;
      return binfmtctl(words.toSpliced(end, 0, '--store', store));
    },
  };
}
