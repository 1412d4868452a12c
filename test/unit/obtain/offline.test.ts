import { describe, expect, it } from 'vitest';
import { BinfmtctlError } from '../../../src/errors.ts';
import { combineProblems } from '../../../src/obtain/sources.ts';

const unreachable = (what: string, host: string, why: string, code: string): BinfmtctlError =>
  new BinfmtctlError('SOURCE_FAILED', `${what}: ${why}`, {
    hint: 'of this source alone',
    cause: { code, host, why },
  });
const apt = unreachable('apt', 'apt', "Temporary failure resolving 'mirror.example'", 'UNREACHABLE');
const registry = unreachable(
  `cannot fetch https://registry-1.docker.io/v2/tonistiigi/binfmt/manifests/sha256:${'a'.repeat(64)}`,
  'registry-1.docker.io',
  'its name cannot be looked up now',
  'EAI_AGAIN',
);

describe('combineProblems, where no server can be reached', () => {
  const combined = combineProblems('riscv64', [apt, registry]);

  it('is one short line that names each server and no address', () => {
    expect(combined?.message).toBe(
      "cannot fetch an emulator for riscv64: apt: Temporary failure resolving 'mirror.example'; registry-1.docker.io: its name cannot be looked up now",
    );
    expect(combined?.message.length).toBeLessThan(150);
  });

  it('names a source that needs no network', () => {
    expect(combined?.hint).toMatch(/`binfmtctl bundle`.*--source bundle:FILE/);
    expect(combined?.hint?.length).toBeLessThan(150);
  });

  it('says nothing of the network where a source fails for another reason', () => {
    const broken = new BinfmtctlError('BAD_PACKAGE', 'apt: no emulator in it', { hint: 'choose another' });
    expect(combineProblems('riscv64', [broken, registry])).toMatchObject({
      code: 'BAD_PACKAGE',
      hint: 'choose another',
    });
  });
});
