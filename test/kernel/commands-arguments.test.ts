import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { binfmtctl, documentOf, expectRefusal } from './support/command.ts';
import { emulatorFolder, removeAllEntries, snapshot, temporaryFolder } from './support/machine.ts';
import { runsI386 } from './support/native-i386.ts';

const store = temporaryFolder();
const emulators = emulatorFolder();
let before: ReturnType<typeof snapshot>;

beforeAll(async () => {
  await documentOf(['install', 'arm64', '--source', `dir:${emulators}`, '--store', store]);
  before = snapshot(store);
});
afterAll(removeAllEntries);

/** Refused with USAGE or the like, and nothing has changed. */
async function refuses(
  words: readonly string[],
  [status, code, message, hint]: readonly [1 | 2 | 3, string, RegExp, RegExp | null],
): Promise<void> {
  await expectRefusal([...words, '--store', store], { status, code, message, hint });
  expect(snapshot(store)).toEqual(before);
}

describe.concurrent('architectures', () => {
  it.each([
    ['arm46', 'arm64'],
    ['aarhc64', 'aarch64'],
    ['linux/riscv46', 'riscv64'],
    ['s309x', 's390x'],
  ])('names the nearest of an unknown one: %s', (wrong, nearest) =>
    refuses(
      ['install', wrong],
      [2, 'UNKNOWN_ARCH', new RegExp(`"${wrong}"`), new RegExp(`did you mean .*${nearest}`)],
    ),
  );

  it.each(['install', 'verify', 'uninstall'])(
    '%s knows where to look one up that is like no other',
    (command) =>
      refuses(
        [command, 'quarkquark'],
        [2, 'UNKNOWN_ARCH', /"quarkquark"/, /binfmtctl catalogue list|status/],
      ),
  );

  it('installs none of several where one is unknown', () =>
    refuses(['install', 'riscv64,arm46', 's390x'], [2, 'UNKNOWN_ARCH', /"arm46"/, /arm64/]));

  it.each([
    ['amd64'],
    ['x86_64'],
    ...(runsI386 ? [['linux/386'], ['i686-linux-gnu'], ['riscv64,i386']] : []),
  ])('installs nothing for what runs natively: %s', (native) =>
    refuses(
      ['install', native, '--source', `dir:${emulators}`],
      [1, 'NATIVE_ARCH', /(x86_64|i386) runs natively/, /do not install an emulator for it/],
    ),
  );

  it('has nothing against proving what runs natively', async () => {
    const natives = runsI386 ? ['amd64', 'i386'] : ['amd64'];
    expect(await documentOf(['verify', ...natives, '--store', store])).toMatchObject({
      holds: true,
      proofs: natives.map(() => ({ native: true })),
    });
  });

  it.each([[['install']], [['install', '']], [['install', ',']], [['uninstall']]])(
    'asks for a name: %j',
    (words) => refuses(words, [2, 'USAGE', /needs (an architecture|a name)/, /catalogue list|status/]),
  );

  it.each([[['install', 'arm64', '--all']], [['uninstall', 'arm64', '--all']]])(
    'takes names or --all: %j',
    (words) => refuses(words, [2, 'USAGE', /or --all, not both/, /--help/]),
  );

  it('takes back nothing for an empty name or a path', async () => {
    await refuses(['uninstall', ''], [2, 'UNKNOWN_ARCH', /""/, /./]);
    await refuses(
      ['uninstall', '../../etc'],
      [2, 'UNKNOWN_ARCH', /neither an entry nor an architecture/, /./],
    );
  });
});

describe.concurrent('options', () => {
  const wrong: [words: readonly string[], what: RegExp, help: RegExp][] = [
    [['install', 'riscv64', '--nonsense'], /unknown option '--nonsense'/, /binfmtctl install --help/],
    [['install', 'riscv64', '--source'], /'--source <spec>' argument missing/, /binfmtctl install --help/],
    [['install', 'riscv64', '--persist=never'], /'never' is invalid/, /binfmtctl install --help/],
    [['status', 'riscv64'], /too many arguments/, /binfmtctl status --help/],
    [['verify', '--root'], /'--root <dir>' argument missing/, /binfmtctl verify --help/],
    [['catalogue', 'show'], /missing required argument 'name'/, /binfmtctl catalogue( show)? --help/],
    [['instal', 'riscv64'], /unknown command 'instal'.*install/, /binfmtctl --help/],
    [['catalogue', 'shew'], /unknown command 'shew'.*show/, /binfmtctl (catalogue )?--help/],
    [['catalogue'], /no command given/, /--help/],
    [[], /no command given/, /binfmtctl --help/],
    [['--binfmt-dir', '/x', 'status'], /unknown option '--binfmt-dir'/, /`binfmtctl --help`/],
  ];
  it.each(wrong)('says what is wrong with %j', async (words, what, help) => {
    const { status, stdout, stderr } = await binfmtctl(words);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    const [message, hint, ...more] = stderr.split('\n');
    expect(message).toMatch(new RegExp(`^binfmtctl: .*${what.source}`));
    expect(hint).toMatch(new RegExp(`^hint: .*${help.source}`));
    expect(more).toEqual(['']);
  });

  it.each([
    ['ftp:server', /unknown source "ftp:server"/],
    ['dir:', /has no path/],
    ['/usr/bin', /unknown source/],
    ['__proto__:x', /unknown source/],
    ['dir:/none/such', /not a directory: \/none\/such/],
  ])('refuses the source %s', (source, message) =>
    refuses(['install', 'riscv64', '--source', source], [2, 'BAD_SOURCE', message, /dir:DIR/]),
  );

  it('accepts a file without an architecture in its name for only one', () =>
    refuses(
      ['install', 'riscv64,s390x', '--source', 'path:/bin/sh'],
      [
        2,
        'BAD_SOURCE',
        /\/bin\/sh is a single emulator, but 2 architectures are requested: riscv64, s390x/,
        /dir:DIR/,
      ],
    ));

  it('lists the available emulators for an unknown one', () =>
    refuses(['install', 'riscv64', '--emulator', 'qmeu'], [2, 'USAGE', /"qmeu"/, /box64.*qemu/]));

  it('names the source that lacks an emulator', () =>
    refuses(
      ['install', 'riscv64', '--source', `dir:${store}`],
      [1, 'EMULATOR_NOT_FOUND', /for riscv64/, /--source/],
    ));

  it('refuses to verify in a missing root', () =>
    refuses(
      ['verify', 'arm64', '--root', '/none/such'],
      [1, 'FILE_FAILED', /\/none\/such: no such file/, null],
    ));

  it('shows help of a command in either order of words', async () => {
    const { status, stdout } = await binfmtctl(['help', 'install']);
    expect(status).toBe(0);
    expect(stdout).toContain('--credentials');
  });
});

// Not beside the others: it writes to the store before it fails.
it('takes a file for the architecture in its name only', () =>
  refuses(
    ['install', 'riscv64,s390x', '--source', `path:${emulators}/qemu-riscv64-static`],
    [1, 'EMULATOR_NOT_FOUND', /no emulator for s390x found/, /^check path:.*omit --source/],
  ));
