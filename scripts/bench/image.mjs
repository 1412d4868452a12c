// `install arm64` from an image, and an engine's way to the same: `docker pull` and `docker run --privileged IMAGE --install arm64` on
// an engine that has no images yet. Both take it from one registry on this machine, through a proxy that counts bytes.
//   node scripts/bench/image.mjs RUNS WORK
// Started in a mount namespace of its own; the entries are those of the machine, as a privileged container reaches no others.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { startDockerRegistry } from '../docker-registry.mjs';
import { startEngine } from '../engine.mjs';
import { unpackPackages } from '../packages.mjs';
import { ratio, summary } from './measure.mjs';

const [, , runs, work] = process.argv;
const BINFMT = '/proc/sys/fs/binfmt_misc';
const ENTRY = join(BINFMT, 'qemu-aarch64');
/** What tonistiigi/binfmt has for amd64 machines. */
const ARCHES = ['aarch64', 'arm', 'riscv64', 'ppc64le', 's390x', 'mips64', 'mips64el', 'loongarch64'];
const PROGRAMS = { mode: 0o755 };
const progress = (text) => process.stderr.write(`bench: ${text}\n`);

// In the place of the program `binfmt`, which comes as no package: the least that it can do.
const ARM64 = `:qemu-aarch64:M::${'7f454c460201010000000000000000000200b700'.replace(/../g, '\\x$&')}:${'ffffffffffffff00fffffffffffffffffeffffff'.replace(/../g, '\\x$&')}:/usr/bin/qemu-aarch64:CFP`;
const PROGRAM = `#!/bin/sh
[ "$*" = "--install arm64" ] || exit 2
[ -e ${BINFMT}/register ] || mount -t binfmt_misc binfmt_misc ${BINFMT} || exit 1
printf '%s' '${ARM64}' > ${BINFMT}/register
`;

if (existsSync(ENTRY)) throw new Error(`${ENTRY} is there already: this machine is in use`);
spawnSync('mount', ['-t', 'binfmt_misc', 'binfmt_misc', BINFMT]);
const layout = makeImage(join(work, 'image'));
const upstream = await startDockerRegistry(join(work, 'registry'));
const counter = await startCounter(Number(upstream.host.split(':')[1]));
const image = `127.0.0.1:${counter.port}/binfmt:bench`;
try {
  await upstream.copy(`oci:${layout}`, 'binfmt:bench');
  const seen = { ours: [], docker: [] };
  for (let run = 0; run < Number(runs); run++) {
    for (const [name, once] of Object.entries({ ours, docker })) {
      progress(`install arm64 from an image, ${name}, run ${run + 1} of ${runs}`);
      seen[name].push(await once());
    }
  }
  const of = (name, key) => summary(seen[name].map((each) => each[key]));
  const compared = (what, key, goal, unit) => ratio(what, of('ours', key), of('docker', key), goal, unit);
  console.log(
    JSON.stringify([
      compared('install arm64 from an image, to docker pull and docker run --privileged', 'ms', 0.5),
      compared('the same, bytes from the registry', 'bytes', null, 'bytes'),
    ]),
  );
} finally {
  counter.close();
  await upstream.close();
}

async function ours() {
  const store = join(work, 'store');
  const words = ['install', 'arm64', '--source', `oci:${image}`, '--store', store, '--quiet'];
  const result = await measured(() =>
    run([process.execPath, resolve('dist/cli.cjs'), ...words], process.env),
  );
  rmSync(store, { recursive: true });
  return result;
}

async function docker() {
  const folder = join(work, 'engine');
  const engine = await startEngine(folder, { driver: 'overlay2', registry: `127.0.0.1:${counter.port}` });
  try {
    const client = ['docker', '--host', engine.host];
    const start = [...client, 'run', '--rm', '--privileged', '--network', 'none', image];
    return await measured(async () => {
      await run([...client, 'pull', '--quiet', image], engine.env);
      await run([...start, '--install', 'arm64'], engine.env);
    });
  } finally {
    await engine.stop();
    rmSync(folder, { recursive: true });
  }
}

/** Milliseconds and bytes until the entry is there, which is then taken away. */
async function measured(action) {
  const before = counter.bytes();
  const start = process.hrtime.bigint();
  await action();
  const ms = Number(process.hrtime.bigint() - start) / 1e6;
  if (!existsSync(ENTRY)) throw new Error('nothing was registered');
  writeFileSync(ENTRY, '-1');
  return { ms, bytes: counter.bytes() - before };
}

function run([file, ...args], env) {
  const child = spawn(file, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  return new Promise((done, failed) => {
    child.once('error', failed);
    child.once('close', (status) =>
      status === 0 ? done() : failed(new Error(`${[file, ...args].join(' ')} ended with ${status}`)),
    );
  });
}

/** An OCI layout: emulators in one layer, the program that registers them in another. */
function makeImage(folder) {
  const [qemu, busybox] = unpackPackages('qemu-user-static', 'busybox-static');
  const lower = join(folder, 'lower');
  const upper = join(folder, 'upper');
  for (const path of [`${lower}/usr/bin`, `${upper}/bin`, `${upper}/usr/bin`])
    mkdirSync(path, { recursive: true });
  for (const arch of ARCHES)
    writeFileSync(
      `${lower}/usr/bin/qemu-${arch}`,
      readFileSync(`${qemu}/usr/bin/qemu-${arch}-static`),
      PROGRAMS,
    );
  for (const name of ['sh', 'mount'])
    writeFileSync(`${upper}/bin/${name}`, readFileSync(`${busybox}/bin/busybox`), PROGRAMS);
  writeFileSync(`${upper}/usr/bin/binfmt`, PROGRAM, PROGRAMS);
  const layout = join(folder, 'layout');
  mkdirSync(join(layout, 'blobs/sha256'), { recursive: true });
  const put = (bytes, mediaType) => {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    writeFileSync(join(layout, 'blobs/sha256', sha256), bytes);
    return { mediaType, digest: `sha256:${sha256}`, size: bytes.length };
  };
  const oci = (kind) => `application/vnd.oci.image.${kind}.v1+json`;
  const tars = [lower, upper].map(tarOf);
  const layers = tars.map((tar) => put(gzipSync(tar), 'application/vnd.oci.image.layer.v1.tar+gzip'));
  const config = {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: { Entrypoint: ['/usr/bin/binfmt'] },
    rootfs: {
      type: 'layers',
      diff_ids: tars.map((tar) => `sha256:${createHash('sha256').update(tar).digest('hex')}`),
    },
  };
  const json = (value) => Buffer.from(JSON.stringify(value));
  const manifest = { schemaVersion: 2, config: put(json(config), oci('config')), layers };
  const index = { schemaVersion: 2, manifests: [put(json(manifest), oci('manifest'))] };
  writeFileSync(join(layout, 'index.json'), json(index));
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  return layout;
}

function tarOf(folder) {
  const { status, stdout } = spawnSync('tar', ['-C', folder, '-c', '.'], { maxBuffer: 1 << 30 });
  if (status !== 0) throw new Error(`tar ended with ${status}`);
  return stdout;
}

/** A port that leads to another; `bytes` tells how many came back through it. */
async function startCounter(target) {
  let bytes = 0;
  const server = createServer((client) => {
    const there = connect(target, '127.0.0.1');
    there.on('data', (chunk) => {
      bytes += chunk.length;
    });
    for (const socket of [client, there]) socket.on('error', () => {});
    client.pipe(there).pipe(client);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { port: server.address().port, bytes: () => bytes, close: () => server.close() };
}
