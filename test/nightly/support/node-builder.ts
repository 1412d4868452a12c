/** An image with Node, npm and apt, made of this machine's own: what a registry would deliver. */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ownMirror } from '../../../scripts/packages.mjs';

/** The machine's certificates: a registry or mirror may be reached through a proxy with one of its own. */
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

/** Fills a build context. Needs root and mmdebstrap, and takes a minute. */
export function makeNodeBuilder(folder: string): void {
  const release = /^VERSION_CODENAME=(.+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? '';
  mkdirSync(folder, { recursive: true });
  execFileSync(
    'mmdebstrap',
    [
      ...['--quiet', '--variant=apt', '--include=libstdc++6,ca-certificates'],
      ...[release, join(folder, 'root.tar'), ownMirror()],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const local = join(folder, 'local');
  mkdirSync(join(local, 'bin'), { recursive: true });
  cpSync(realpathSync(process.execPath), join(local, 'bin/node'));
  const npm = dirname(dirname(realpathSync(findNpm())));
  cpSync(npm, join(local, 'lib/node_modules/npm'), { recursive: true });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(local, 'bin/npm'));
  cpSync(CERTIFICATES, join(folder, 'certificates'));
  writeFileSync(
    join(folder, 'Dockerfile'),
    `FROM scratch
ADD root.tar /
COPY local/ /usr/local/
COPY certificates ${CERTIFICATES}
ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin NODE_EXTRA_CA_CERTS=${CERTIFICATES} npm_config_registry=${npmRegistry()}
`,
  );
}

function findNpm(): string {
  const folders = (process.env['PATH'] ?? '').split(':');
  const path = folders.map((folder) => join(folder, 'npm')).find(existsSync);
  if (path === undefined) throw new Error('npm is not on PATH');
  return path;
}

const npmRegistry = (): string =>
  execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim();
