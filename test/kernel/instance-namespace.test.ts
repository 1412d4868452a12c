/** The instance from the view of an ordinary user, and of root in a nested user namespace. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listEntries } from '../../src/binfmt/entries.ts';
import type { InstanceFacts } from '../../src/binfmt/instance/instance.ts';
import { unregister } from '../../src/binfmt/register.ts';
import { inNamespaces } from '../../src/system/namespace/namespaces.ts';
import { run } from '../../src/system/process/process.ts';

const INSTANCE = '/proc/sys/fs/binfmt_misc';
const RULE = `{ name: 'nested', interpreter: '/bin/true', flags: [], pattern: { type: 'extension', extension: 'x' } }`;

/** Prints the facts of a directory before and after ensureMounted, and tries to register there. */
const PROGRAM = `
  import { listEntries } from './src/binfmt/entries.ts';
  import { ensureMounted, inspectInstance } from './src/binfmt/instance/instance.ts';
  import { register } from './src/binfmt/register.ts';
  const [directory] = process.argv.slice(2);
  const attempt = async (action) => {
    try { return { value: await action() }; } catch ({ code, message, hint }) { return { code, message, hint }; }
  };
  const before = inspectInstance(directory);
  const mounted = await attempt(() => ensureMounted(directory));
  const registered = await attempt(() => register(directory, ${RULE}));
  const entries = await attempt(() => listEntries(directory).map(({ name }) => name));
  console.log(JSON.stringify({ before, mounted, registered, entries }));
`;

interface Attempt<T> {
  readonly value?: T;
  readonly code?: string;
  readonly message?: string;
  readonly hint?: string;
}

interface Findings {
  readonly before: InstanceFacts;
  readonly mounted: Attempt<InstanceFacts>;
  readonly registered: Attempt<void>;
  readonly entries: Attempt<string[]>;
}

let directory: string;
let program: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'namespace-'));
  chmodSync(directory, 0o755);
  program = join(directory, 'program.mjs');
  buildSync({
    stdin: { contents: PROGRAM, resolveDir: process.cwd() },
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    outfile: program,
  });
});
afterAll(() => rmSync(directory, { recursive: true }));

const NOBODY = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'] as const;

async function findings(instance: string, ...prefix: readonly string[]): Promise<Findings> {
  const [file = '', ...args] = [...prefix, process.execPath, program, instance];
  const { stdout, stderr } = await run(file, args, { cwd: '/' });
  expect(stderr).toBe('');
  return JSON.parse(new TextDecoder().decode(stdout));
}

const emptyDirectory = (name: string): string => {
  mkdirSync(join(directory, name));
  return join(directory, name);
};

describe('an ordinary user', () => {
  it('reads the instance but cannot change it', async () => {
    const { before, mounted, registered, entries } = await findings(INSTANCE, ...NOBODY);
    expect(before).toMatchObject({ mounted: true, enabled: true, writable: false, readOnly: false });
    expect(mounted).toMatchObject({ code: 'NO_PRIVILEGE', hint: expect.stringContaining('root') });
    expect(registered).toMatchObject({ code: 'NO_PRIVILEGE' });
    expect(entries).toEqual({ value: [] });
  });

  it('is told how root mounts it if it is not mounted', async () => {
    const { before, mounted } = await findings(emptyDirectory('plain'), ...NOBODY);
    expect(before).toMatchObject({ mounted: false, scope: null });
    expect(mounted).toMatchObject({
      code: 'NO_BINFMT_MISC',
      hint: expect.stringMatching(/mount -t|--privileged/),
    });
  });
});

describe('root of a nested user namespace', () => {
  const nested = [...NOBODY, ...inNamespaces({ user: true, mount: true }, ['env'])];

  it('sees that the instance belongs to a parent namespace', async () => {
    const { before, mounted } = await findings(INSTANCE, ...nested);
    expect(before).toMatchObject({ mounted: true, scope: 'outer', writable: false });
    expect(mounted.code).toBe('NO_PRIVILEGE');
  });

  it('mounts a private instance, which no other namespace sees', async () => {
    const { before, mounted, registered, entries } = await findings(emptyDirectory('own'), ...nested);
    expect(before.mounted).toBe(false);
    expect(mounted.value).toMatchObject({ scope: 'namespace', enabled: true, writable: true });
    expect(registered).toEqual({});
    expect(entries).toEqual({ value: ['nested'] });
    expect(listEntries(INSTANCE)).toEqual([]);
  });

  it('cannot mount in a mount namespace that it does not own', async () => {
    const withoutMounts = [...NOBODY, ...inNamespaces({ user: true }, ['env'])];
    const { mounted } = await findings(emptyDirectory('foreign'), ...withoutMounts);
    expect(mounted).toMatchObject({
      code: 'NO_BINFMT_MISC',
      message: expect.stringMatching(/cannot be mounted: .*permi/i),
      hint: expect.stringMatching(/unshare -Urm|--privileged/),
    });
  });

  it('changes the parent instance if it is root there, too', async () => {
    const { before, registered } = await findings(
      INSTANCE,
      ...inNamespaces({ user: true, mount: true }, ['env']),
    );
    expect(before).toMatchObject({ scope: 'unknown', writable: true });
    expect(registered).toEqual({});
    expect(listEntries(INSTANCE)).toMatchObject([{ name: 'nested' }]);
    unregister(INSTANCE, 'nested');
  });
});
