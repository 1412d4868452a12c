/** Journals of killed runs, power failures and other containers. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeBinfmtD } from '../../src/file-format/binfmt-d.ts';
import type { Rule } from '../../src/rule/types.ts';
import { encodeJournal } from '../../src/state/journal.ts';
import { encodeRegistration } from '../../src/state/registration.ts';
import { seal } from '../../src/state/seal.ts';
import type { Step } from '../../src/state/steps.ts';
import { bootId, userNamespace } from '../../src/system/host.ts';
import { binfmtctl, inShell } from './support/command.ts';
import { BINFMT, entries, registerForeign, removeAllEntries, temporaryFolder } from './support/machine.ts';

const folder = temporaryFolder();
const store = join(folder, 'store');
const journal = join(store, 'journal.json');

beforeEach(() => mkdirSync(store, { recursive: true }));
afterEach(() => {
  removeAllEntries();
  rmSync(store, { recursive: true, force: true });
});

const rule = (name: string, magic: string, interpreter = '/bin/true'): Rule => ({
  name,
  pattern: { type: 'magic', offset: 0, magic: new TextEncoder().encode(magic), mask: null },
  interpreter,
  flags: [],
});

const removal = (removed: Rule): Step => ({ kind: 'unregister', entry: { ...removed, enabled: true } });

/** Leaves a journal; `sealed` as a run of this installation would. */
async function leave(steps: readonly Step[], { sealed = true, boot = bootId() } = {}): Promise<void> {
  const text = encodeJournal({ bootId: boot, userNamespace: userNamespace(), steps });
  if (sealed) await seal(store, text);
  writeFileSync(journal, text);
}

const repair = () => binfmtctl(['uninstall', 'no-such-*', '--store', store]);

describe('a journal', () => {
  it('of a killed run is applied: the removed entry is restored', async () => {
    await leave([removal(rule('harmless', 'HARMLESS'))]);
    expect(await repair()).toMatchObject({ status: 0, stderr: expect.stringContaining('rolled back 1') });
    expect(Object.keys(entries())).toEqual(['harmless']);
    expect(existsSync(journal)).toBe(false);
  });

  it('that another container wrote is renamed and reported, not applied', async () => {
    await leave([removal(rule('stranger', 'STRANGER'))], { sealed: false });
    const { status, stderr } = await repair();
    expect({ status, entries: entries() }).toEqual({ status: 0, entries: {} });
    expect(stderr).toContain(`ignored the journal ${journal}`);
    expect(existsSync(journal)).toBe(false);
    expect(readFileSync(`${journal}.invalid`, 'utf8')).toContain('stranger');
  });

  it('is applied only once, not when it is put back', async () => {
    await leave([removal(rule('once', 'ONCE'))]);
    const text = readFileSync(journal);
    await repair();
    removeAllEntries();
    writeFileSync(journal, text);
    expect((await repair()).stderr).toContain('ignored the journal');
    expect(entries()).toEqual({});
  });

  it('restores no rule that would stop the machine', async () => {
    await leave([removal(rule('scripts', '#!')), removal(rule('harmless', 'HARMLESS'))]);
    const { status, stderr } = await repair();
    expect(status).toBe(0);
    expect(stderr).toContain('entry scripts existed before an interrupted run and cannot be restored');
    expect(Object.keys(entries())).toEqual(['harmless']);
  });

  it('restores no rule for a stored emulator whose bytes have changed', async () => {
    const path = join(store, 'sha256', '0'.repeat(64), 'qemu-riscv64');
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, 'other bytes', { mode: 0o755 });
    await leave([removal(rule('changed', 'CHANGED', path))]);
    expect((await repair()).stderr).toContain(`the bytes of ${path} have changed`);
    expect(entries()).toEqual({});
  });

  it('that names a file which no transaction writes is renamed', async () => {
    const path = join(folder, 'victim');
    writeFileSync(path, 'new');
    await leave([{ kind: 'write', path, text: 'new', previous: 'old' }]);
    expect((await repair()).stderr).toContain(`it names the file ${path}`);
    expect(readFileSync(path, 'utf8')).toBe('new');
  });

  it('that cannot be parsed is reported', async () => {
    writeFileSync(journal, '{"half');
    await seal(store, '{"half');
    expect((await repair()).stderr).toContain('its content is invalid');
  });
});

describe('a power failure during install --persist', () => {
  it('leaves no entry that the half-written file registered at boot', async () => {
    const own = rule('qemu-riscv64', 'RISCVLIKE');
    const line = ':qemu-riscv64:M::RISCVLIKE::/bin/true:';
    const path = '/etc/binfmt.d/qemu-riscv64.conf';
    registerForeign(line);
    registerForeign(':other:M::OTHERFORMAT::/bin/true:');
    await leave(
      [
        { kind: 'write', path, text: `${line}\n`, previous: null },
        { kind: 'register', rule: own },
        { kind: 'register', rule: rule('other', 'OTHERFORMAT') },
      ],
      { boot: 'an earlier boot' },
    );
    const within = inShell(
      `mkdir -p ${folder}/etc && mount --bind ${folder}/etc /etc/binfmt.d && echo '${line}' > ${path}`,
    );
    const ran = await binfmtctl(['uninstall', '--all', '--purge', '--store', store], { within });
    expect(ran).toMatchObject({ status: 0, stderr: expect.stringContaining('rolled back 2') });
    expect(existsSync(join(folder, 'etc/qemu-riscv64.conf'))).toBe(false);
    expect(existsSync(join(BINFMT, 'qemu-riscv64'))).toBe(false);
    expect(existsSync(join(BINFMT, 'other'))).toBe(true);
  });

  const name = 'qemu-riscv64';
  const path = `/etc/binfmt.d/${name}.conf`;
  const old = rule(name, 'RISCVLIKE', '/bin/echo');
  const replaced = rule(name, 'RISCVLIKE');
  const oldText = ':qemu-riscv64:M::RISCVLIKE::/bin/echo:\n';
  const newText = ':qemu-riscv64:M::RISCVLIKE::/bin/true:\n';
  const note = (of: Rule): string =>
    encodeRegistration({
      arch: 'riscv64',
      rule: of,
      emulator: { profile: 'qemu', sha256: '0'.repeat(64), version: null },
      registered: true,
      persisted: [{ path, previous: null }],
    });

  /** Simulates a power failure during a replacement whose file was written, and the registrations at the next boot. */
  async function replaceAndBoot(previous: string): Promise<readonly string[]> {
    const registration = join(store, 'registrations', `${name}.json`);
    mkdirSync(join(registration, '..'), { recursive: true });
    writeFileSync(registration, note(replaced));
    mkdirSync(join(folder, 'etc'), { recursive: true });
    writeFileSync(join(folder, 'etc', `${name}.conf`), newText);
    registerForeign(newText.trim());
    await leave(
      [
        { kind: 'write', path: registration, text: note(replaced), previous: note(old) },
        { kind: 'write', path, text: newText, previous },
        { kind: 'register', rule: { ...replaced, name: `${name}.staged` } },
        removal(old),
        { kind: 'register', rule: replaced },
        removal({ ...replaced, name: `${name}.staged` }),
      ],
      { boot: 'an earlier boot' },
    );
    return inShell(`mount --bind ${folder}/etc /etc/binfmt.d`);
  }

  it.each([
    ['the entry of the restored boot file', oldText, { [name]: expect.stringContaining('/bin/echo') }],
    [
      'the last entry of that name in it',
      `${newText}${oldText}`,
      { [name]: expect.stringContaining('/bin/echo') },
    ],
    ['no entry if it has no rule', '# mine\n', {}],
  ])('leaves %s', async (_, previous, expected) => {
    const within = await replaceAndBoot(previous);
    const { status } = await binfmtctl(['uninstall', 'no-such-*', '--store', store], { within });
    expect([status, entries(), readFileSync(join(folder, 'etc', `${name}.conf`), 'utf8')]).toEqual([
      0,
      expected,
      previous,
    ]);
  });

  it('lets uninstall remove the entry of the restored boot file', async () => {
    const within = await replaceAndBoot(encodeBinfmtD(old));
    const ran = await binfmtctl(['uninstall', '--all', '--purge', '--store', store], { within });
    expect(ran.status).toBe(0);
    expect([entries(), existsSync(join(folder, 'etc', `${name}.conf`))]).toEqual([{}, false]);
  });

  it('removes the new entry if the old one cannot be restored', async () => {
    const within = await replaceAndBoot(oldText.replace('/bin/echo:', '/no/such/file:F'));
    const { status, stderr } = await binfmtctl(['uninstall', 'no-such-*', '--store', store], { within });
    expect([status, entries()]).toEqual([0, {}]);
    expect(stderr).toContain(`entry ${name} existed before an interrupted run and cannot be restored`);
  });
});
