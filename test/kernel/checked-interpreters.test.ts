/** With flag F, the kernel holds the file that was checked, even if a link changes in between. */
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { binfmtctl } from './support/command.ts';
import { emulatorFolder, entries, removeAllEntries, temporaryFolder } from './support/machine.ts';
import { stoppedAroundRegister } from './support/strace.ts';

const folder = temporaryFolder();
const store = join(folder, 'store');
const current = join(folder, 'current');
const emulator = join(current, 'qemu-riscv64-static');
const rules = join(folder, 'rules.conf');

beforeEach(() => {
  for (const name of ['checked', 'other']) {
    mkdirSync(join(folder, name));
    copyFileSync(join(emulatorFolder(), 'qemu-riscv64-static'), join(folder, name, 'qemu-riscv64-static'));
  }
  appendFileSync(join(folder, 'other', 'qemu-riscv64-static'), 'other bytes');
  pointTo('checked');
  writeFileSync(rules, `:checked:E::zzq::${emulator}:F\n`);
});
afterEach(() => {
  removeAllEntries();
  for (const name of ['checked', 'other', 'current', 'store', 'admin', 'import'])
    rmSync(join(folder, name), { recursive: true, force: true });
});

function pointTo(name: 'checked' | 'other'): void {
  symlinkSync(name, `${current}.new`);
  renameSync(`${current}.new`, current);
}

const install = ['install', 'riscv64', '--store', store];
const DOORS: readonly (readonly [string, readonly string[]])[] = [
  ['install', install],
  ['install --no-verify', [...install, '--no-verify']],
  ['import', ['import', rules, '--store', store]],
  ['systemd-binfmt', ['systemd-binfmt', rules]],
  [
    'update-binfmts',
    [
      ...['update-binfmts', '--admindir', join(folder, 'admin'), '--importdir', join(folder, 'import')],
      ...['--install', 'checked', emulator, '--extension', 'zzq', '--fix-binary', 'yes'],
    ],
  ],
];

describe.each(DOORS)('%s', (_, words) => {
  beforeEach(() => {
    for (const name of ['admin', 'import']) mkdirSync(join(folder, name));
    process.env['PATH'] = `${current}:${process.env['PATH']}`;
  });
  afterEach(() => {
    process.env['PATH'] = process.env['PATH']?.slice(current.length + 1);
  });

  it('removes the entry if another file was registered', async () => {
    const ran = await stoppedAroundRegister(words, [() => pointTo('other'), () => {}]);
    expect(ran.stderr).toContain(`its interpreter ${emulator} changed after it was checked`);
    expect(ran.status).not.toBe(0);
    expect(entries()).toEqual({});
  });

  it('removes the entry even if the path leads to the checked file afterwards', async () => {
    const ran = await stoppedAroundRegister(words, [() => pointTo('other'), () => pointTo('checked')]);
    expect(ran.stderr).toContain(`its interpreter ${emulator} changed after it was checked`);
    expect(ran.status).not.toBe(0);
    expect(entries()).toEqual({});
  });

  it('registers the checked file', async () => {
    expect(await binfmtctl(words)).toMatchObject({ status: 0 });
    expect(Object.values(entries())).toEqual([expect.stringContaining(`interpreter ${emulator}\n`)]);
  });
});
