/** Warnings about directories and files that are missing in a root. */
import { lstatSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { commandLine } from '../../text/shell.ts';

/**
 * One warning for all directories of a root that cannot be mounted on, with the command that creates them. A link in such a
 * place, such as the `/proc` that debootstrap makes in containers, has to be moved away first. In a disk image, only its own
 * programs can create them.
 */
export function missingPlacesWarning(
  root: string,
  places: readonly string[],
  { ephemeral, isImage }: { readonly ephemeral: boolean; readonly isImage: boolean },
): string {
  const kinds = places.map((place) => kindOf(join(root, place)));
  const names = places.map((place) => `/${place}`).join(', ');
  const text = `not mounted: ${names}`;
  if (kinds.includes('file')) return `${text}; ${root} has a file in its place`;
  const links = places.filter((_, index) => kinds[index] === 'link');
  const commands = [
    ...(links.length > 0 ? [links.map((link) => commandLine(['mv', link, `${link}.old`])).join(' && ')] : []),
    commandLine(['mkdir', ...places]),
  ];
  const other = ephemeral || links.length > 0 ? '' : ', or use --ephemeral';
  if (isImage) return `${text}; fix inside: \`cd / && ${commands.join(' && ')}\`${other}`;
  return `${text}; fix: \`(${[commandLine(['cd', root]), ...commands].join(' && ')})\`${other}`;
}

/** A warning about a missing file of a root, with the command that creates it. The command does not follow links of the root. */
export function missingFileWarning(
  root: string,
  path: string,
  what: string,
  { isImage }: { readonly isImage: boolean },
): string {
  const directory = dirname(path);
  const facts = lstatSync(join(root, directory), { throwIfNoEntry: false });
  if (!facts?.isDirectory()) return `${what}: there is no directory ${directory}`;
  const isLink = kindOf(join(root, path)) === 'link';
  const name = basename(path);
  const commands = [
    commandLine(['cd', isImage ? directory : join(root, directory)]),
    ...(isLink ? [commandLine(['mv', name, `${name}.old`])] : []),
    commandLine(['touch', name]),
  ];
  const command = `(${commands.join(' && ')})`;
  return `${what}; fix${isImage ? ' inside' : ''}: \`${command}\``;
}

/** The kind of the file at a path, which would make mkdir(1) fail; null if there is none. */
function kindOf(path: string): 'link' | 'file' | null {
  const facts = lstatSync(path, { throwIfNoEntry: false });
  if (facts === undefined) return null;
  return facts.isSymbolicLink() ? 'link' : 'file';
}
