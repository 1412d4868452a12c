/** Box64 maps programs differently. These probes run without an arm64 machine, with Debian's Box64 under QEMU. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import {
  buildProbe,
  decodeReport,
  PROBE_EXIT_STATUS,
  probeEnvironment,
  REPORT_SIZE,
} from '../../src/elf/probe.ts';
import { builtinCatalogue } from '../../src/profiles/builtin.ts';

let directory: string;
let box64: string[];

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'probe-box64-'));
  const packages = ['qemu-user-static', 'libc6:arm64@trixie', 'box64:arm64@trixie'];
  const [qemu = '', libc = '', box = ''] = unpackPackages(...packages);
  symlinkSync(join(libc, 'usr/lib'), join(directory, 'lib'));
  box64 = [join(qemu, 'usr/bin/qemu-aarch64-static'), '-L', directory, join(box, 'usr/bin/box64')];
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

it('the probe of x86_64 reports under Box64', () => {
  const arch = builtinCatalogue().arches['x86_64'];
  if (arch === undefined) throw new Error('no profile of x86_64');
  const probe = join(directory, 'probe');
  writeFileSync(probe, buildProbe(arch.elf, arch.probe), { mode: 0o755 });
  const [file = '', ...args] = [...box64, probe];
  const env = { PATH: '/usr/bin:/bin', BOX64_LOG: '0', ...probeEnvironment };
  const { status, stdout } = spawnSync(file, args, { env, input: '' });
  expect({ status, size: stdout.length }).toEqual({ status: PROBE_EXIT_STATUS, size: REPORT_SIZE });
  expect(decodeReport(stdout, arch.elf)?.argv0).toBe(probe);
});
