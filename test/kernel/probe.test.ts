/** Every arch's probe with Debian's emulator, run directly, through an entry, and natively. */
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Arch } from '../../src/catalogue/types.ts';
import { decodeHeader } from '../../src/elf/header.ts';
import {
  buildProbe,
  decodeReport,
  PROBE_EXIT_STATUS,
  probeEnvironment,
  REPORT_SIZE,
} from '../../src/elf/probe.ts';
import type { ProbeReport } from '../../src/elf/types.ts';
import { formatRegister } from '../../src/rule/register.ts';
import type { Flag } from '../../src/rule/types.ts';
import { debianEmulators } from './support/debian-emulators.ts';

const INSTANCE = '/proc/sys/fs/binfmt_misc';
const PROFILES = new URL('../../profiles/arch/', import.meta.url);
const ARGV0 = 'argv zero';
const NATIVE = process.arch === 'arm64' ? 'aarch64' : 'x86_64';

/** The caller and the owner of set-user-ID probes, if this namespace has more than one user. */
const HAS_USERS = !readFileSync('/proc/self/uid_map', 'utf8').trim().endsWith(' 1');
const CALLER = HAS_USERS ? 1234 : 0;
const OWNER = 4242;

const ARCHES = new Map(
  readdirSync(PROFILES)
    .map((name) => parse(readFileSync(new URL(name, PROFILES), 'utf8')) as Arch)
    .map((arch) => [arch.id, arch]),
);
const EMULATORS = debianEmulators();
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'probe-'));
  chmodSync(directory, 0o755);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

it('every emulator of the package has a profile', () => {
  expect(EMULATORS.size).toBeGreaterThan(20);
  expect([...EMULATORS.keys()].filter((id) => !ARCHES.has(id))).toEqual([]);
});

describe.each([...EMULATORS])('the probe of %s', (id, emulator) => {
  it('runs under the emulator', async () => {
    const run = await runProbe(id, emulator, ['-0', ARGV0, writeProbe(id)]);
    expect(run).toEqual({ ...ranWell(id), report: { euid: 0, argv0: ARGV0, exe: emulator }, exe: emulator });
  });

  it('runs through an entry with F and P, and sees the argv[0] of the caller', async () => {
    const run = await withEntry(id, ['P', 'F'], () => runProbe(id, writeProbe(id), [], CALLER));
    const report = { euid: CALLER, argv0: ARGV0, exe: emulator };
    expect(run).toEqual({ ...ranWell(id), report, exe: emulator });
  });
});

describe('a probe', () => {
  it.each([...ARCHES.keys()])('of %s does nothing if a shell runs it as a script', (id) => {
    const folder = mkdtempSync(join(directory, 'script-'));
    const { status, stdout } = spawnSync('/bin/sh', [writeProbe(id)], { cwd: folder, encoding: 'latin1' });
    expect({ ran: status === 0, stdout, files: readdirSync(folder) }).toEqual({
      ran: false,
      stdout: '',
      files: [],
    });
  });

  it('runs natively', async () => {
    const path = writeProbe(NATIVE);
    const report = { euid: CALLER, argv0: ARGV0, exe: path };
    expect(await runProbe(NATIVE, path, [], CALLER)).toEqual({ ...ranWell(NATIVE), report, exe: path });
  });

  it('sees its path as argv[0] through an entry without P', async () => {
    const path = writeProbe('riscv64');
    const { report } = await withEntry('riscv64', ['F'], () => runProbe('riscv64', path, []));
    expect(report?.argv0).toBe(path);
  });

  it.runIf(HAS_USERS)('has the user ID of its owner if it is set-user-ID', async () => {
    const { report } = await runProbe(NATIVE, writeProbe(NATIVE, OWNER), [], CALLER);
    expect(report?.euid).toBe(OWNER);
  });

  it.runIf(HAS_USERS)('has the user ID of its owner through an entry with C, and not without', async () => {
    const path = writeProbe('s390x', OWNER);
    const run = () => runProbe('s390x', path, [], CALLER);
    expect((await withEntry('s390x', ['P', 'O', 'C', 'F'], run)).report?.euid).toBe(OWNER);
    expect((await withEntry('s390x', ['P', 'F'], run)).report?.euid).toBe(CALLER);
  });
});

interface Run {
  readonly arch: string;
  readonly report: ProbeReport | null;
  /** Target of /proc/PID/exe while it waited. */
  readonly exe: string | null;
  readonly status: number | null;
  readonly complaint: string;
}

const ranWell = (arch: string) => ({ arch, status: PROBE_EXIT_STATUS, complaint: '' });

/** Runs a probe until it waits, inspects it, and lets it exit. */
async function runProbe(id: string, file: string, args: readonly string[], uid = 0): Promise<Run> {
  const child = spawn(file, args, { argv0: ARGV0, env: probeEnvironment, uid, gid: uid, timeout: 60_000 });
  let output = Buffer.alloc(0);
  let complaint = '';
  let exe: string | null = null;
  child.stderr.on('data', (chunk) => {
    complaint += chunk;
  });
  child.stdout.on('data', (chunk) => {
    output = Buffer.concat([output, chunk]);
    if (output.length < REPORT_SIZE) return;
    exe = readlinkSync(`/proc/${child.pid}/exe`);
    child.stdin.end();
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { arch: id, report: decodeReport(output, archOf(id).elf), exe, status, complaint };
}

/** An entry for exactly one arch's probe: its magic is the whole header, so that even x86_64 can be emulated here. */
async function withEntry<T>(id: string, flags: readonly Flag[], use: () => Promise<T>): Promise<T> {
  const probe = buildProbe(archOf(id).elf, archOf(id).probe);
  const magic = probe.subarray(0, decodeHeader(probe).headerSize);
  const pattern = { type: 'magic', offset: 0, magic, mask: null } as const;
  const name = `probe-${id}`;
  const rule = { name, pattern, interpreter: EMULATORS.get(id) ?? '', flags };
  writeFileSync(`${INSTANCE}/register`, formatRegister(rule));
  try {
    return await use();
  } finally {
    writeFileSync(`${INSTANCE}/${name}`, '-1');
  }
}

/** Set-user-ID if it belongs to another user. */
function writeProbe(id: string, owner = 0): string {
  const path = join(directory, `${id}-${owner}`);
  writeFileSync(path, buildProbe(archOf(id).elf, archOf(id).probe));
  chownSync(path, owner, owner);
  chmodSync(path, owner === 0 ? 0o755 : 0o4755);
  return path;
}

function archOf(id: string): Arch {
  const arch = ARCHES.get(id);
  if (arch === undefined) throw new Error(`no profile of ${id}`);
  return arch;
}
