/** Failing architectures beside working ones: a failure neither affects nor delays the others. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { findArches } from '../../src/catalogue/resolve.ts';
import type { Arch } from '../../src/catalogue/types.ts';
import { builtinCatalogue } from '../../src/profiles/builtin.ts';
import { formatRegister } from '../../src/rule/register.ts';
import { type VerifyRequest, verify } from '../../src/verify/verify.ts';

const INSTANCE = '/proc/sys/fs/binfmt_misc';
const [PACKAGE = ''] = unpackPackages('qemu-user-static');
const entries: string[] = [];
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'verify-'));
  chmodSync(directory, 0o755);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));
afterEach(() => {
  for (const name of entries.splice(0)) writeFileSync(join(INSTANCE, name), '-1');
});

it('an architecture without an entry does not delay the others', async () => {
  registerWorking();
  expect(await proofsOf({ arches: arches('aarch64', 's390x', 'riscv64') })).toEqual({
    aarch64: true,
    s390x: 'no entry matches it',
    riscv64: true,
  });
});

it('an emulator that exits immediately does not delay the others', async () => {
  register('s390x', '/bin/false');
  registerWorking();
  expect(await proofsOf({ arches: arches('s390x', 'aarch64', 'riscv64') })).toEqual({
    s390x: 'the emulator exited with status 1, without output',
    aarch64: true,
    riscv64: true,
  });
});

it('only the emulator that hangs exceeds the time limit', async () => {
  const hanging = join(directory, 'hanging');
  writeFileSync(hanging, '#!/bin/sh\nexec /bin/sleep 1000\n', { mode: 0o755 });
  register('s390x', hanging);
  registerWorking();
  const request = { arches: arches('aarch64', 's390x', 'riscv64'), timeLimitMs: 1500 };
  expect(await proofsOf(request)).toEqual({
    aarch64: true,
    s390x: 'did not finish within 1.5 s',
    riscv64: true,
  });
});

/** The reason of each architecture's failure on the host; otherwise whether its emulator is known. */
async function proofsOf(request: VerifyRequest): Promise<Record<string, unknown>> {
  const proofs = await verify(request, {
    catalogue: builtinCatalogue(),
    binfmtDirectory: INSTANCE,
    store: join(directory, 'store'),
    report: () => {},
    signal: new AbortController().signal,
  });
  return Object.fromEntries(
    proofs.map(({ arch, host, emulator }) => [arch, host.why ?? emulator?.sha256.length === 64]),
  );
}

function arches(...names: string[]): readonly Arch[] {
  return findArches(builtinCatalogue(), names);
}

function registerWorking(): void {
  for (const id of ['aarch64', 'riscv64']) register(id, join(PACKAGE, `usr/bin/qemu-${id}-static`));
}

function register(id: string, interpreter: string): void {
  const name = `verify-${id}`;
  const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
  for (const { magic, mask } of arches(id)) {
    const pattern = { type: 'magic', offset: 0, magic: bytes(magic), mask: bytes(mask) } as const;
    writeFileSync(join(INSTANCE, 'register'), formatRegister({ name, pattern, interpreter, flags: ['F'] }));
  }
  entries.push(name);
}
