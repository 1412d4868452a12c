// Builds the image with buildah: one per platform, with an index, as an archive with the OCI image layout.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packFolder } from './pack.mjs';

/** Writes the archive and returns the digest of the index, which identifies the image in a registry. */
export async function buildImage(file, contexts, { version, revision, epoch, base, work }) {
  const list = `localhost/binfmtctl-release-${process.pid}`;
  const layout = join(work, 'layout');
  const made = join(work, 'image-id');
  const images = [];
  buildah('manifest', 'create', list);
  try {
    for (const { platform, folder } of contexts) {
      const values = { VERSION: version, REVISION: revision, ...(base && { BASE: base }) };
      buildah(
        ...['build', '--quiet', '--format', 'oci', '--no-cache'],
        // Do not update a base that exists locally.
        ...['--layers=true', '--pull=false', '--identity-label=false', '--timestamp', `${epoch}`],
        ...['--platform', platform, '--manifest', list, '--iidfile', made],
        ...Object.entries(values).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
        folder,
      );
      images.push(readFileSync(made, 'utf8').trim());
    }
    buildah('manifest', 'push', '--quiet', '--all', '--format', 'oci', list, `oci:${layout}:${version}`);
  } finally {
    buildah('manifest', 'rm', list);
    if (images.length > 0) buildah('rmi', '--force', ...images);
  }
  await packFolder(layout, file, epoch);
  const [{ digest }] = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')).manifests;
  return digest;
}

function buildah(...words) {
  return execFileSync('buildah', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
}
