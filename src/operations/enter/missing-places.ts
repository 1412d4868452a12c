/** What to say of directories that a root lacks. */
import { lstatSync } from 'node:fs';
import { commandLine } from '../../plan/shell.ts';

/**
 * One warning for all directories of a root that cannot be mounted on, with the command that creates them. A link in such a
 * place, such as the `/proc` that debootstrap makes in containers, has to be removed first.
 */
export function missingPlacesWarning(
  root: string,
  places: readonly string[],
  { ephemeral }: { readonly ephemeral: boolean },
): string {
  const paths = places.map((place) => `${root}/${place}`);
  const kinds = paths.map(kindOf);
  const names = places.map((place) => `/${place}`).join(', ');
  const text = `${root}: not mounted, as the root has no directory ${names}`;
  if (kinds.includes('file')) return `${text}; a file is in the way`;
  const links = paths.filter((_, index) => kinds[index] === 'link');
  const commands = [
    ...(links.length > 0 ? [commandLine(['rm', ...links])] : []),
    commandLine(['mkdir', ...paths]),
  ];
  const other = ephemeral || links.length > 0 ? '' : ', or use --ephemeral';
  return `${text}; create it: \`${commands.join(' && ')}\`${other}`;
}

/** Whether `mkdir` finds something at a path. */
function kindOf(path: string): 'link' | 'file' | null {
  const facts = lstatSync(path, { throwIfNoEntry: false });
  if (facts === undefined) return null;
  return facts.isSymbolicLink() ? 'link' : 'file';
}
