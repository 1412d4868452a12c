/** Debian's own programs within its roots: apt, dpkg with maintainer scripts, useradd, su, a compiler. */
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { finish, outputOf, startActors } from './support/actors.ts';
import { copyRoot, debianRoot, isConfigured, shiftOwners } from './support/debian-roots.ts';
import { BINFMT } from './support/tools.ts';
import { expectSameTraces, tracesOf } from './support/traces.ts';

const { root, mapped, single } = startActors();
const INSTALL = 'apt-get -q install -y --no-install-recommends';

/** Installs a package whose maintainer script creates a user, and creates a user with files. */
const PACKAGE = `set -e
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
${INSTALL} uuid-runtime
getent passwd uuidd
`;
/** Debian 13 does without it. */
const PASSWD = `set -e
apt-get -q update
${INSTALL} passwd
`;
const USER = `set -e
useradd --create-home --shell /bin/sh somebody
su somebody -c 'id -un; touch ~/mine; stat -c "%U %G" ~/mine'
su - somebody -c 'pwd; echo "$USER"'
`;
const COMPILER = `${INSTALL} tcc libc6-dev
cd /home/somebody
cat > answer.c <<'C'
#include <stdio.h>
int main(int argc, char **argv) { printf("answer %d\\n", 41 + argc); return 0; }
C
tcc -o answer answer.c
./answer
`;

describe('a plain user, with nothing installed beforehand', () => {
  it('installs a package in a fresh Debian root for arm64', async () => {
    const tree = await mapped.root('arm64');
    const mounts = tracesOf();
    const command = ['sh', '-c', 'apt-get update && apt-get install -y hello && hello'];
    const program = [process.execPath, resolve('dist/cli.cjs'), 'enter', tree, '--', ...command];
    const ran = await finish([...mapped.as, ...program]);
    expect(ran.status, ran.stderr).toBe(0);
    expect(ran.stdout).toMatch(/Setting up hello .*\nHello, world!\n$/s);
    expect(readdirSync(BINFMT).sort()).toEqual(['register', 'status']);
    await expectSameTraces(mounts);
  });
});

describe('packages, users and a compiler', () => {
  const user = 'somebody\nsomebody somebody\n/home/somebody\nsomebody\n';

  const cases = [
    { actor: mapped, arch: 'arm64', script: PACKAGE + USER + COMPILER, expected: `${user}[^]*answer 42\n$` },
    { actor: root, arch: 'armhf', script: PACKAGE + USER, expected: `uuidd:x:[^]*${user}$` },
    { actor: mapped, arch: 'riscv64', script: PASSWD + USER, expected: `passwd[^]*${user}$` },
  ] as const;
  it.concurrent.each(cases.filter(({ arch }) => isConfigured(arch)))(
    'work in $arch for $actor.name',
    async ({ actor, arch, script, expected }) => {
      const tree = await actor.root(arch);
      const { status, stdout, stderr } = await finish(actor.words('enter', tree, '--', 'sh', '-c', script));
      expect(status, `${stdout}${stderr}`).toBe(0);
      expect(stdout).toMatch(new RegExp(expected));
    },
  );
});

describe('the owner of a root', () => {
  const ids = 'stat -c %u:%g /etc/passwd /var/mail; chown 33:33 /opt && stat -c %u:%g /opt; id -u';

  it('may be the user with subordinate IDs, as with unshare --map-auto', async () => {
    const tree = await mapped.root('arm64');
    expect(await outputOf(mapped.words('enter', tree, '--', 'sh', '-c', ids))).toBe('0:0\n0:8\n33:33\n0');
  });

  it('may be a subordinate ID, as with mmdebstrap --mode=unshare', async () => {
    const tree = copyRoot(await debianRoot('riscv64'), join(mapped.home, 'unshare'));
    shiftOwners(tree, (id) => 200_000 + id);
    expect(await outputOf(mapped.words('enter', tree, '--', 'sh', '-c', ids))).toBe('0:0\n0:8\n33:33\n0');
  });

  it('may be a user without subordinate IDs, with a warning about the limits', async () => {
    const tree = await single.root('riscv64');
    const ran = await finish(
      single.words('enter', tree, '--', 'sh', '-c', 'id -u; chown 33:33 /opt || echo no'),
    );
    expect(ran.stdout).toBe('0\nno\n');
    expect(ran.stderr).toMatch(/^warning: .*subordinate IDs/m);
  });
});

describe('the machine inside', () => {
  it.each([
    { actor: root, arch: 'arm64', machine: 'aarch64' },
    { actor: mapped, arch: 'armhf', machine: 'armv7l' },
    { actor: root, arch: 'riscv64', machine: 'riscv64' },
    { actor: single, arch: 'riscv64', machine: 'riscv64' },
  ] as const)('has the architecture of the root: $arch for $actor.name', async ({ actor, arch, machine }) => {
    const tree = await actor.root(arch);
    const script = 'uname -m; dpkg --print-architecture';
    const ran = await finish(actor.words('enter', tree, '--', 'sh', '-c', script));
    expect(ran).toMatchObject({ status: 0, stdout: `${machine}\n${arch}\n` });
  });
});
