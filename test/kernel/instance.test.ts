import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { listEntries, readAnyEntry, readEntries } from '../../src/binfmt/entries.ts';
import { ensureMounted, inspectInstance } from '../../src/binfmt/instance/instance.ts';
import { disable, enable, register, unregister } from '../../src/binfmt/register.ts';
import { encodeText } from '../../src/rule/text.ts';
import type { Flag, Rule } from '../../src/rule/types.ts';
import { mount, unmount } from '../../src/system/namespace/mounts.ts';
import { run } from '../../src/system/process/process.ts';

const INSTANCE = '/proc/sys/fs/binfmt_misc';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'instance-'));
});
afterAll(() => rmSync(directory, { recursive: true }));
afterEach(() => {
  for (const { name } of listEntries(INSTANCE)) unregister(INSTANCE, name);
});

let count = 0;
const rule = (name: string, some: Partial<Rule> = {}): Rule => ({
  name,
  pattern: { type: 'magic', offset: 1, magic: encodeText(`M${count++}`), mask: null },
  interpreter: '/bin/true',
  flags: [],
  ...some,
});
const names = () => listEntries(INSTANCE).map(({ name }) => name);

/** The code of the error that `action` throws. */
async function codeOf(action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    const { code, hint } = error as { code: string; hint: string };
    expect(hint).toBeTruthy();
    return code;
  }
  throw new Error('it did not fail');
}

describe('register', () => {
  it('creates an enabled entry from the rule', () => {
    const all: Rule[] = [
      rule('magic'),
      rule('extension', { pattern: { type: 'extension', extension: 'exé' } }),
      rule('masked', {
        pattern: {
          type: 'magic',
          offset: 0,
          magic: Uint8Array.of(0, 10, 58),
          mask: Uint8Array.of(255, 0, 240),
        },
      }),
      rule('flags', { flags: ['P', 'O', 'C', 'F'] }),
      rule('strange \n :name\udcff', { interpreter: '/no such\n:interpreter' }),
    ];
    for (const each of all) register(INSTANCE, each);
    expect(listEntries(INSTANCE)).toEqual(all.toReversed().map((each) => ({ ...each, enabled: true })));
    for (const each of all) expect(readAnyEntry(INSTANCE, each.name)).toEqual({ ...each, enabled: true });
  });

  it('accepts flag C, which implies O', () => {
    register(INSTANCE, rule('c', { flags: ['C'] }));
    expect(readAnyEntry(INSTANCE, 'c').flags).toEqual(['O', 'C']);
  });

  it('leaves an existing entry of that name unchanged', async () => {
    const first = rule('taken');
    register(INSTANCE, first);
    expect(await codeOf(() => register(INSTANCE, rule('taken')))).toBe('ENTRY_EXISTS');
    expect(readAnyEntry(INSTANCE, 'taken')).toEqual({ ...first, enabled: true });
  });

  it('never writes to status or register as if they were entries', async () => {
    for (const name of ['status', 'register', '..', 'a/b', '']) {
      expect(await codeOf(() => register(INSTANCE, rule(name)))).toBe('BAD_RULE');
      for (const command of [unregister, enable, disable]) {
        expect(await codeOf(() => command(INSTANCE, name))).toBe('ENTRY_NOT_FOUND');
      }
    }
    expect(readFileSync(`${INSTANCE}/status`, 'utf8')).toBe('enabled\n');
  });

  it('refuses a rule that cannot be read back unambiguously', async () => {
    // The kernel prints the newline as it is.
    const ambiguous = rule('ambiguous', { interpreter: '/a\nflags: P\nb' });
    expect(await codeOf(() => register(INSTANCE, ambiguous))).toBe('BAD_RULE');
    expect(readdirSync(INSTANCE)).toEqual(['register', 'status']);
  });

  describe('with flag F', () => {
    const installing = (interpreter: string) =>
      codeOf(() => register(INSTANCE, rule('f', { interpreter, flags: ['F'] })));

    it('explains why an interpreter cannot be opened', async () => {
      const at = (name: string) => join(directory, name);
      writeFileSync(at('plain'), '', { mode: 0o644 });
      writeFileSync(at('busy'), '', { mode: 0o755 });
      symlinkSync('loop', at('loop'));
      mkdirSync(at('noexec'));
      expect(await mount('tmpfs', at('noexec'), ['noexec'])).toBeNull();
      writeFileSync(at('noexec/program'), '', { mode: 0o755 });
      const busy = openSync(at('busy'), 'r+');
      try {
        const cases = [
          [at('absent'), /does not exist \(ENOENT\)/],
          [at('plain'), /cannot be executed.*\(EACCES\)/],
          [directory, /cannot be executed.*\(EACCES\)/],
          [at('noexec/program'), /mounted noexec \(EACCES\)/],
          [at('plain/below'), /component that is not a directory \(ENOTDIR\)/],
          [at('loop'), /too many symbolic links in its path \(ELOOP\)/],
          [at('x'.repeat(300)), /too long \(ENAMETOOLONG\)/],
          [at('busy'), /open for writing \(ETXTBSY\)/],
        ] as const;
        for (const [interpreter, message] of cases) {
          expect(() => register(INSTANCE, rule('f', { interpreter, flags: ['F'] }))).toThrow(message);
          expect(await installing(interpreter)).toBe('KERNEL_REFUSED');
        }
      } finally {
        closeSync(busy);
        await unmount(at('noexec'));
      }
      expect(names()).toEqual([]);
    });

    it('reports a bad interpreter before a bad name, as the kernel does', async () => {
      register(INSTANCE, rule('f'));
      expect(await installing('/absent')).toBe('KERNEL_REFUSED');
    });
  });
});

describe('listEntries', () => {
  it('returns the newest entry first, in the order in which the kernel tries them', () => {
    for (const name of ['m', 'z', 'a', 'k']) register(INSTANCE, rule(name));
    expect(names()).toEqual(['k', 'a', 'z', 'm']);
    unregister(INSTANCE, 'z');
    register(INSTANCE, rule('z'));
    expect(names()).toEqual(['z', 'k', 'a', 'm']);
  });

  it('ignores the size of an entry file', () => {
    const flags: Flag[] = ['P'];
    register(INSTANCE, rule('sized', { flags }));
    truncateSync(`${INSTANCE}/sized`, 9);
    expect(names()).toEqual(['sized']);
  });

  it('names an unreadable entry, and reads the others', () => {
    const { name } = rule('fine');
    register(INSTANCE, rule(name));
    const strange = '|strange|M||strange||/a\nflags: P\nb|';
    writeFileSync(`${INSTANCE}/register`, strange);
    const { entries, unreadable } = readEntries(INSTANCE);
    expect(entries.map((each) => each.name)).toEqual([name]);
    expect(unreadable).toMatchObject([{ name: 'strange', error: { code: 'BAD_ENTRY' } }]);
    unregister(INSTANCE, 'strange');
  });

  it('skips entries that are removed meanwhile', async () => {
    const script = `cd ${INSTANCE}; i=0; while [ $i -lt 3000 ]; do i=$((i+1)); printf ':gone:M::gone::/bin/true:' >register; printf -- -1 >gone; done`;
    register(INSTANCE, rule('stays'));
    let running = true;
    const churn = run('sh', ['-c', script]).then((result) => {
      running = false;
      return result;
    });
    let rounds = 0;
    for (; running; rounds++) {
      expect(names().filter((name) => name !== 'gone')).toEqual(['stays']);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await churn).stderr).toBe('');
    expect(rounds).toBeGreaterThan(10);
  });
});

describe('commands', () => {
  it('disable and enable an entry, which keeps its place', () => {
    for (const name of ['older', 'newer']) register(INSTANCE, rule(name));
    disable(INSTANCE, 'newer');
    expect(listEntries(INSTANCE)).toMatchObject([{ name: 'newer', enabled: false }, { enabled: true }]);
    enable(INSTANCE, 'newer');
    expect(listEntries(INSTANCE)).toMatchObject([{ name: 'newer', enabled: true }, { enabled: true }]);
  });

  it('remove a single entry', () => {
    for (const name of ['a', 'b\udcff', 'c']) register(INSTANCE, rule(name));
    unregister(INSTANCE, 'b\udcff');
    expect(names()).toEqual(['c', 'a']);
  });

  it('report an entry that does not exist', async () => {
    for (const command of [unregister, enable, disable, readAnyEntry]) {
      expect(await codeOf(() => command(INSTANCE, 'absent'))).toBe('ENTRY_NOT_FOUND');
      expect(await codeOf(() => command(INSTANCE, 'x'.repeat(300)))).toBe('ENTRY_NOT_FOUND');
    }
  });

  it('never change a file outside binfmt_misc', async () => {
    writeFileSync(join(directory, 'passwd'), 'root');
    writeFileSync(join(directory, 'register'), '');
    for (const command of [unregister, enable, disable]) {
      expect(await codeOf(() => command(directory, 'passwd'))).toBe('NO_BINFMT_MISC');
    }
    expect(await codeOf(() => register(directory, rule('n')))).toBe('NO_BINFMT_MISC');
    expect(await codeOf(() => listEntries(directory))).toBe('NO_BINFMT_MISC');
    expect(readFileSync(join(directory, 'passwd'), 'utf8')).toBe('root');
  });
});

describe('an instance', () => {
  it('is mounted, writable and enabled', async () => {
    const facts = inspectInstance();
    expect(facts).toMatchObject({
      directory: INSTANCE,
      mounted: true,
      enabled: true,
      readOnly: false,
      writable: true,
    });
    expect(['namespace', 'unknown']).toContain(facts.scope);
    expect(await ensureMounted()).toEqual(facts);
  });

  it('can be mounted at another directory, with the same entries', async () => {
    const other = join(directory, 'other');
    mkdirSync(other);
    await ensureMounted(other);
    try {
      register(INSTANCE, rule('shared'));
      expect(listEntries(other)).toEqual(listEntries(INSTANCE));
    } finally {
      await unmount(other);
    }
  });

  it('is not mounted over a directory with files', async () => {
    const used = join(directory, 'used');
    mkdirSync(used);
    writeFileSync(join(used, 'file'), '');
    expect(await codeOf(() => ensureMounted(used))).toBe('NO_BINFMT_MISC');
    expect(readdirSync(used)).toEqual(['file']);
    expect(await codeOf(() => ensureMounted(join(directory, 'absent')))).toBe('NO_BINFMT_MISC');
  });

  it('is reported as read-only', async () => {
    register(INSTANCE, rule('there'));
    expect(await run('mount', ['-o', 'remount,bind,ro', INSTANCE])).toMatchObject({ exitCode: 0 });
    try {
      expect(inspectInstance()).toMatchObject({ mounted: true, readOnly: true, writable: false });
      for (const command of [unregister, enable, disable]) {
        expect(await codeOf(() => command(INSTANCE, 'there'))).toBe('READ_ONLY');
      }
      expect(await codeOf(() => register(INSTANCE, rule('new')))).toBe('READ_ONLY');
      expect(await codeOf(() => ensureMounted())).toBe('READ_ONLY');
      expect(names()).toEqual(['there']);
    } finally {
      await run('mount', ['-o', 'remount,bind,rw', INSTANCE]);
    }
  });

  it('is reported as disabled', async () => {
    writeFileSync(`${INSTANCE}/status`, '0');
    try {
      expect(inspectInstance()).toMatchObject({ mounted: true, enabled: false });
      expect(await codeOf(() => ensureMounted())).toBe('BINFMT_MISC_DISABLED');
      register(INSTANCE, rule('listed'));
      expect(listEntries(INSTANCE)).toMatchObject([{ name: 'listed', enabled: true }]);
    } finally {
      writeFileSync(`${INSTANCE}/status`, '1');
    }
  });

  it('is mounted again after it was unmounted', async () => {
    expect(await unmount(INSTANCE)).toBeNull();
    expect(inspectInstance()).toMatchObject({ mounted: false, enabled: null, scope: null, writable: false });
    expect(await codeOf(() => listEntries(INSTANCE))).toBe('NO_BINFMT_MISC');
    expect(await codeOf(() => ensureMounted(INSTANCE, { mount: false }))).toBe('NO_BINFMT_MISC');
    expect(await ensureMounted()).toMatchObject({ mounted: true, enabled: true, writable: true });
    expect(names()).toEqual([]);
  });
});
