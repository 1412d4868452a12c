/** Every string of kernel-errors.json, written to the running kernel. */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseEntry } from '../../src/rule/entry.ts';
import { formatRegister, parseRegister } from '../../src/rule/register.ts';
import { encodeText } from '../../src/rule/text.ts';
import { REGISTER_CASES } from '../register-cases.ts';

const INSTANCE = '/proc/sys/fs/binfmt_misc';
const STARTED_IN = process.cwd();
const [major = 0, minor = 0] = release().split(/[.-]/).map(Number);
const isLinux73 = major > 7 || (major === 7 && minor >= 3);

let directory: string;
let busy: number;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'register-'));
  // Relative interpreters are looked up from here, by the writer of `register`.
  process.chdir(directory);
  for (const name of ['showargs', 'empty', 'busy', 'text', 'script.sh']) {
    const content = { text: 'just text\n', 'script.sh': '#!/bin/sh\n' }[name] ?? '';
    writeFileSync(name, content, { mode: 0o755 });
  }
  for (const name of ['noexec', 'file']) writeFileSync(name, '', { mode: 0o644 });
  symlinkSync('showargs', 'link');
  symlinkSync('nowhere', 'dangling');
  symlinkSync('loop', 'loop');
  execFileSync('mkfifo', ['fifo']);
  mkdirSync('nx');
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'noexec', 'tmpfs', 'nx']);
  writeFileSync('nx/showargs', '', { mode: 0o755 });
  busy = openSync('busy', 'r+');
});

afterEach(removeEntries);

afterAll(() => {
  process.chdir(STARTED_IN);
  closeSync(busy);
  execFileSync('umount', [join(directory, 'nx')]);
  rmSync(directory, { recursive: true });
});

describe('the running kernel', () => {
  it.each(REGISTER_CASES)('answers as recorded: $note', (one) => {
    one.registeredBefore.forEach(prepare);
    const errno = isLinux73 ? one.errno73 : one.errno;
    expect(register(inDirectory(one.register))).toBe(errno);
    // What Linux 7.3 alone accepts has no recorded text here.
    if (errno !== null || one.errno !== null) return;
    const shown = readFileSync(entryPath(one.entryName));
    expect(shown.equals(inDirectory(one.entryFile))).toBe(true);
  });

  it.each(REGISTER_CASES.filter(({ errno }) => errno === null))(
    'shows our own string alike: $note',
    (one) => {
      const registration = parseRegister(inDirectory(one.register));
      if ('errno' in registration) throw new Error(registration.reason);
      const { rule } = registration;
      expect(register(formatRegister(rule))).toBeNull();
      const shown = readFileSync(entryPath(rule.name));
      expect(parseEntry(rule.name, shown)).toEqual({ ...rule, enabled: true });
    },
  );
});

/** Null, or the errno of the one write that a registration is. */
function register(string: Uint8Array): string | null {
  const fd = openSync(join(INSTANCE, 'register'), 'w');
  try {
    expect(writeSync(fd, string)).toBe(string.length);
    return null;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return String(error.code);
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** `@name=v` writes v to that entry, all else is registered. */
function prepare(step: string): void {
  const [, name, value] = /^@(.*)=(.*)$/.exec(step) ?? [];
  if (name === undefined || value === undefined) expect(register(encodeText(step))).toBeNull();
  else writeFileSync(join(INSTANCE, name), value);
}

/** DIR stands for our directory. */
function inDirectory(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1').replaceAll('DIR/', `${directory}/`);
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

const entryPath = (name: string): Buffer => Buffer.concat([Buffer.from(`${INSTANCE}/`), encodeText(name)]);

function removeEntries(): void {
  for (const name of readdirSync(INSTANCE, 'buffer')) {
    if (['register', 'status'].includes(name.toString())) continue;
    writeFileSync(Buffer.concat([Buffer.from(`${INSTANCE}/`), name]), '-1');
  }
}
