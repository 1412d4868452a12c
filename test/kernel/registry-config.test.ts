/** Files in /etc that configure registries; each command runs with a private /etc. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type Certificate, makeCertificate } from '../integration/fixtures/certificate.ts';
import { addImage, newContent } from '../integration/fixtures/image.ts';
import { type Registry, startRegistry } from '../integration/fixtures/registry.ts';
import { binfmtctl, inShell } from './support/command.ts';
import { emulatorFolder, removeAllEntries, temporaryFolder } from './support/machine.ts';

const folder = temporaryFolder();
const env = { HOME: join(folder, 'home'), SSL_CERT_FILE: '' };
let certificate: Certificate;
let registry: Registry;
let image: string;

beforeAll(async () => {
  const content = newContent();
  const bytes = readFileSync(join(emulatorFolder(), 'qemu-aarch64-static'));
  const { digest } = await addImage(content, [{ entries: [{ name: 'usr/bin/qemu-aarch64', bytes }] }]);
  certificate = makeCertificate(folder);
  registry = await startRegistry(content, { tls: certificate });
  image = `test/image@${digest}`;
});
afterEach(removeAllEntries);
afterAll(() => registry.close());

let count = 0;
/** Installs with the files of `etc` in place of the machine's. */
function installWith(etc: Readonly<Record<string, string>>, source: string) {
  const root = join(folder, `etc${++count}`);
  for (const name of ['passwd', 'group', 'ld.so.cache']) cpSync(join('/etc', name), join(root, name));
  for (const [path, text] of Object.entries(etc)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const words = ['install', 'arm64', '--source', `oci:${source}`, '--store', join(root, 'store')];
  return binfmtctl(words, { env, within: inShell(`mount --bind ${root} /etc`) });
}

it.each(['docker', 'containers', 'containerd'])(
  "finds the registry's certificate authority in /etc/%s/certs.d",
  async (engine) => {
    const source = `https://${registry.host}/${image}`;
    expect(await installWith({}, source)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('trusted'),
    });
    const etc = { [`${engine}/certs.d/${registry.host}/ca.crt`]: certificate.cert };
    expect(await installWith(etc, source)).toMatchObject({ status: 0 });
  },
);

it("uses the mirror in containerd's hosts.toml and sends it the registry's name", async () => {
  const hosts = `
server = "https://registry.invalid"
[host."https://${registry.host}"]
capabilities = ["pull", "resolve"]
ca = "own.pem"
`;
  const directory = 'containerd/certs.d/registry.invalid_5000_';
  const etc = { [`${directory}/hosts.toml`]: hosts, [`${directory}/own.pem`]: certificate.cert };
  registry.requests.length = 0;
  expect(await installWith(etc, `registry.invalid:5000/${image}`)).toMatchObject({ status: 0 });
  expect(registry.requests.map(({ line }) => line)).toContainEqual(
    expect.stringMatching(/^GET \/v2\/test\/image\/manifests\/\S+\?ns=registry\.invalid%3A5000$/),
  );
});

it('uses the mirror in registries.conf', async () => {
  const conf = `[[registry]]\nprefix = "registry.invalid"\n[[registry.mirror]]\nlocation = "${registry.host}"\n`;
  const etc = { 'containers/registries.conf': conf };
  expect(await installWith(etc, `registry.invalid/${image}`)).toMatchObject({ status: 0 });
});
