// Creates archives that the kernel unpacks into memory at boot.
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Packs a directory into a cpio archive in the format "newc" (Documentation/driver-api/early-userspace/buffer-format.rst). */
export function archiveOf(root) {
  const paths = readdirSync(root, { recursive: true }).map((path) => join(root, path));
  const parts = paths.map((path, index) => {
    const { mode } = lstatSync(path);
    const kind = mode & 0o170000;
    const name = relative(root, path);
    if (kind === 0o120000) return member(index + 1, name, mode, Buffer.from(readlinkSync(path)));
    const isFile = kind === 0o100000;
    return member(index + 1, name, mode, isFile ? readFileSync(path) : Buffer.alloc(0));
  });
  return Buffer.concat([...parts, member(0, 'TRAILER!!!', 0, Buffer.alloc(0))]);
}

function member(inode, name, mode, content) {
  const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, Buffer.byteLength(name) + 1, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`;
  return Buffer.concat([padded(Buffer.from(header)), padded(content)]);
}

function padded(bytes) {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}
