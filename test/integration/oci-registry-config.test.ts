/** The machine's registry configuration: TLS on this machine, certificate authorities, client certificates, mirrors. */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type DockerRegistry, startDockerRegistry } from '../../scripts/docker-registry.mjs';
import { type Certificate, makeCertificate } from './fixtures/certificate.ts';
import { addImage, newContent, writeLayout } from './fixtures/image.ts';
import { fakeQemu } from './fixtures/programs.ts';
import { pull } from './fixtures/pull.ts';
import { listen, startRegistry } from './fixtures/registry.ts';
import { temporaryFolder } from './fixtures/temporary.ts';

const at = temporaryFolder();
const open: { close: () => Promise<void> }[] = [];
const good = { found: ['aarch64'], stored: ['qemu-aarch64'] };
const untrusted = {
  stored: [],
  error: { code: 'SOURCE_FAILED', hint: expect.stringContaining('SSL_CERT_FILE') },
};
let certificate: Certificate;
let other: Certificate;
let registry: DockerRegistry;
/** Requires the client certificate `other`. */
let closed: DockerRegistry;
let home: string;

beforeAll(async () => {
  const content = newContent();
  const image = await addImage(content, [{ entries: [{ name: 'usr/bin/qemu-aarch64', bytes: fakeQemu() }] }]);
  await writeLayout(at('layout'), content, [image]);
  certificate = makeCertificate(at());
  other = makeCertificate(at());
  const tls = { certificate: certificate.file, key: certificate.keyFile };
  registry = await startDockerRegistry(at('registry'), undefined, tls);
  await registry.copy(`oci:${at('layout')}`, 'test/binfmt');
  await registry.copy(`oci:${at('layout')}`, 'copies/team/binfmt');
  closed = await startDockerRegistry(at('closed'), undefined, { ...tls, clientAuthority: other.file });
  const copied = ['--dest-cert-dir', at('client')];
  await mkdir(at('client'));
  await copyFile(other.file, at('client/client.cert'));
  await copyFile(other.keyFile, at('client/client.key'));
  await closed.copy(`oci:${at('layout')}`, 'test/binfmt', ...copied);
});
afterAll(() => Promise.all([registry.close(), closed.close()]));

let homes = 0;
beforeEach(async () => {
  home = at(`home${++homes}`);
  await mkdir(home);
  vi.stubEnv('HOME', home);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(open.splice(0).map(({ close }) => close()));
});

/** Writes files into the certificate directory of a host. */
async function certificates(host: string, files: Readonly<Record<string, string>>): Promise<void> {
  const directory = join(home, '.config/containers/certs.d', host);
  await mkdir(directory, { recursive: true });
  for (const [name, from] of Object.entries(files)) await copyFile(from, join(directory, name));
}

describe('a registry on this machine', () => {
  it('is first contacted over TLS, without verifying its certificate', async () => {
    expect(await pull(at(), `${registry.host}/test/binfmt`)).toMatchObject(good);
  });

  it('needs a trusted certificate if certs.d has an authority, or with https://', async () => {
    expect(await pull(at(), `https://${registry.host}/test/binfmt`)).toMatchObject(untrusted);
    await certificates(registry.host, { 'ca.crt': other.file });
    expect(await pull(at(), `${registry.host}/test/binfmt`)).toMatchObject(untrusted);
    await certificates(registry.host, { 'ca.crt': certificate.file });
    expect(await pull(at(), `${registry.host}/test/binfmt`)).toMatchObject(good);
    expect(await pull(at(), `https://${registry.host}/test/binfmt`)).toMatchObject(good);
  });

  it('is contacted over plain HTTP if it does not speak TLS or closes the connection', async () => {
    const content = newContent();
    const latest = await addImage(content, [
      { entries: [{ name: 'usr/bin/qemu-aarch64', bytes: fakeQemu() }] },
    ]);
    const plain = await startRegistry(content, { tags: { latest } });
    open.push(plain);
    expect(await pull(at(), `${plain.host}/test/image`)).toMatchObject(good);
    const { port } = new URL(`http://${plain.host}`);
    const { connect } = await import('node:net');
    const rude = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (first) => {
        if (first[0] === 0x16) return socket.destroy();
        const onward = connect(Number(port), '127.0.0.1').on('error', () => socket.destroy());
        onward.write(first);
        socket.pipe(onward).pipe(socket);
      });
    });
    const closing = await listen(rude as never);
    open.push(closing);
    expect(await pull(at(), `${closing.host}/test/image`)).toMatchObject(good);
  });

  it('receives the client certificate from certs.d', async () => {
    expect(await pull(at(), `${closed.host}/test/binfmt`, { limits: { attempts: 1 } })).toMatchObject({
      stored: [],
      error: { code: 'SOURCE_FAILED' },
    });
    await certificates(closed.host, { 'client.cert': other.file, 'client.key': other.keyFile });
    expect(await pull(at(), `${closed.host}/test/binfmt`)).toMatchObject(good);
  });
});

describe('registries.conf', () => {
  const write = async (text: string, name = 'registries.conf'): Promise<void> => {
    await mkdir(join(home, '.config/containers/registries.conf.d'), { recursive: true });
    await writeFile(join(home, '.config/containers', name), text);
  };

  it("selects a mirror, which uses the mirror's certificates", async () => {
    await write(`
[[registry]]
prefix = "registry.example/team"
[[registry.mirror]]
location = "${registry.host}/copies/team"
`);
    await certificates(registry.host, { 'ca.crt': certificate.file });
    expect(await pull(at(), 'registry.example/team/binfmt')).toMatchObject(good);
  });

  it('blocks an image; is ignored with a warning if it is invalid', async () => {
    await write('[[registry]]\nlocation = "registry.example"\nblocked = true\n', 'registries.conf.d/1.conf');
    expect(await pull(at(), 'registry.example/x')).toMatchObject({
      error: { code: 'BAD_SOURCE', message: expect.stringContaining('registries.conf blocks') },
    });
    await write('[[registry', 'registries.conf.d/1.conf');
    const { warnings } = await pull(at(), `${registry.host}/test/binfmt`);
    expect(warnings).toContainEqual(expect.stringContaining('1.conf: it is not valid TOML'));
  });
});
