import { describe, expect, it } from 'vitest';
import { lintFacts } from '../../../../src/catalogue/profile/lint-facts.ts';
import type { Arch } from '../../../../src/catalogue/types.ts';
import { buildProbe } from '../../../../src/elf/probe.ts';
import { builtinCatalogue } from '../../../../src/profiles/builtin.ts';

const builtin = builtinCatalogue();
const arch = (id: string): Arch => {
  const found = builtin.arches[id];
  if (found === undefined) throw new Error(`no arch ${id}`);
  return found;
};
const headOf = ({ elf, probe }: Arch): Uint8Array => buildProbe(elf, probe);
const x86_64 = arch('x86_64');

describe('lintFacts', () => {
  it.each(Object.values(builtin.arches).map(({ id }) => [id]))('accepts every built-in arch on %s', (id) => {
    const problems = Object.values(builtin.arches).flatMap((each) =>
      lintFacts(each, headOf(arch(id)), builtin),
    );
    expect(problems).toEqual([]);
  });

  it("finds a wrong e_machine in the profile of the machine's arch", () => {
    const profile = { ...x86_64, elf: { ...x86_64.elf, machine: 63 } };
    expect(lintFacts(profile, headOf(x86_64), builtin)).toEqual([
      { path: ['elf', 'machine'], message: 'is 63, but x86_64 programs on this machine have 62' },
    ]);
    expect(lintFacts(profile, headOf(arch('aarch64')), builtin)).toEqual([]);
  });

  it('finds a profile of another arch that matches native programs', () => {
    const profile = { ...arch('riscv64'), magic: x86_64.magic, mask: x86_64.mask };
    expect(lintFacts(profile, headOf(x86_64), builtin)).toEqual([
      { path: ['magic'], message: 'matches x86_64 programs, which run natively on this machine' },
    ]);
  });

  it('finds nothing if the running program is not ELF', () => {
    expect(lintFacts(x86_64, new Uint8Array(), builtin)).toEqual([]);
  });
});
