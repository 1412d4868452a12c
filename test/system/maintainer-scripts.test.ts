/**
 * Debian's maintainer scripts with the original update-binfmts in one root and ours in another. Compares apt's and
 * dpkg's exit status, their output, the admin directory and the kernel's entries after every step.
 */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from './support/tools.ts';
import { makeTwins, type Outcome, runSteps, type Step } from './support/twins.ts';

const INSTALL = 'apt-get -q -y install';
const OLDER = '$(apt-cache madison qemu-user-static | tail -1 | cut -d"|" -f2 | tr -d " ")';
/** Packages with binary formats: with a detector and removed by name, with a detector, and under another package's name. */
const OTHERS = ['mono-runtime', 'jarwrapper', 'python3.11-minimal'];

const STEPS: readonly Step[] = [
  { title: 'install binfmt-support', command: `${INSTALL} binfmt-support` },
  {
    title: 'install an older qemu-user-static',
    command: `${INSTALL} --allow-downgrades qemu-user-static=${OLDER}`,
  },
  { title: 'upgrade it', command: `${INSTALL} qemu-user-static` },
  ...OTHERS.map((name) => ({ title: `install ${name}`, command: `${INSTALL} ${name}` })),
  {
    title: 'keep a format of the administrator',
    command: 'update-binfmts --install own /bin/true --extension own && update-binfmts --display own',
  },
  {
    title: 'take over a format by hand',
    command:
      'update-binfmts --package jarwrapper --remove jarwrapper /usr/bin/jarwrapper' +
      ' && update-binfmts --install jarwrapper /bin/true --extension jar',
  },
  { title: 'stop the service', command: 'service binfmt-support stop' },
  { title: 'start the service', command: 'service binfmt-support start' },
  { title: 'reinstall binfmt-support', command: `${INSTALL} --reinstall binfmt-support` },
  {
    title: 'reinstall the others',
    command: `${INSTALL} --reinstall ${OTHERS.join(' ')}`,
  },
  { title: 'display all', command: 'update-binfmts --display' },
  { title: 'remove qemu-user-static', command: 'apt-get -q -y remove qemu-user-static' },
  { title: 'install it again', command: `${INSTALL} qemu-user-static` },
  { title: 'purge qemu-user-static', command: 'apt-get -q -y purge qemu-user-static' },
  ...OTHERS.map((name) => ({ title: `purge ${name}`, command: `apt-get -q -y purge ${name}` })),
  { title: 'remove binfmt-support', command: 'apt-get -q -y remove binfmt-support' },
  { title: 'purge binfmt-support', command: 'apt-get -q -y purge binfmt-support' },
];

/** Replaces a package's program as an administrator does. */
const REPLACE = `dpkg-divert --quiet --local --rename --add --divert /usr/sbin/update-binfmts.debian /usr/sbin/update-binfmts
ln -s /opt/binfmtctl/cli.cjs /usr/sbin/update-binfmts`;

describe('maintainer scripts of Debian', () => {
  const folder = temporaryFolder('maintainer');
  let theirs: readonly Outcome[];
  let ours: readonly Outcome[];

  beforeAll(async () => {
    const [theirRoot, ourRoot] = makeTwins(folder, [
      `binfmt-support qemu-user-static ${OTHERS.join(' ')}`,
      `qemu-user-static=${OLDER}`,
    ]);
    const replace = { title: 'replace', command: REPLACE };
    const look = { title: 'look', command: 'readlink -f /usr/sbin/update-binfmts' };
    const [their, our] = await Promise.all([
      runSteps(theirRoot, STEPS),
      runSteps(ourRoot, [replace, ...STEPS, look]),
    ]);
    theirs = their;
    ours = our.slice(1, -1);
    expect(our.at(0)).toMatchObject({ status: '0', output: '' });
    expect(our.at(-1)?.output).toBe('/opt/binfmtctl/cli.cjs\n');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(STEPS.map(({ title }, index) => [title, index] as const))('behave the same: %s', (_, index) => {
    expect(ours[index]).toEqual(theirs[index]);
  });

  it('work with the original', () => {
    const left = (title: string): Outcome | undefined =>
      theirs[STEPS.findIndex((step) => step.title === title)];
    expect(theirs.map(({ status }) => status)).toEqual(STEPS.map(() => '0'));
    expect(left('upgrade it')?.state.match(/^-- qemu-/gm)?.length).toBeGreaterThan(20);
    expect(left('purge qemu-user-static')?.state).not.toMatch(/^-- qemu-/m);
    expect(left('stop the service')?.state).not.toMatch(/^-- qemu-/m);
    expect(left('start the service')?.state.match(/^-- qemu-/gm)?.length).toBeGreaterThan(20);
  });
});
