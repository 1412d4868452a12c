import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { BinfmtctlError } from '../errors.ts';
import { binfmtDFileName, encodeBinfmtD } from '../formats/binfmt-d.ts';
import { descriptionOf, encodeAdminFile } from '../formats/binfmt-support.ts';
import { decodeText } from '../rule/text.ts';
import type { Rule } from '../rule/types.ts';

/** Who registers the rules again after a reboot. */
export type Persistence = 'auto' | 'binfmt.d' | 'binfmt-support' | 'none';

// systemd-binfmt(8) and OpenRC's binfmt service both read /etc/binfmt.d.
const READS_BINFMT_D = [
  '/usr/lib/systemd/systemd-binfmt',
  '/lib/systemd/systemd-binfmt',
  '/etc/init.d/binfmt',
];
const BINFMT_SUPPORT = ['/usr/sbin/update-binfmts', '/usr/bin/update-binfmts'];

/**
 * The one who will register rules at boot on this machine.
 *
 * @throws NO_TOOL where `auto` finds nobody who would; USAGE in our container image.
 */
export async function choosePersistence(wanted: Persistence): Promise<Exclude<Persistence, 'auto'>> {
  if (wanted !== 'none' && process.env['BINFMTCTL_IMAGE'] !== undefined)
    throw new BinfmtctlError(
      'USAGE',
      '--persist has no meaning in a container: its emulators are not on the host',
      {
        hint: 'run the container after each boot, or `binfmtctl install --persist` on the host',
      },
    );
  if (wanted !== 'auto') return wanted;
  if (await anyExists(READS_BINFMT_D)) return 'binfmt.d';
  if (await anyExists(BINFMT_SUPPORT)) return 'binfmt-support';
  throw new BinfmtctlError('NO_TOOL', 'nothing on this machine registers rules at boot', {
    hint: 'leave out --persist, or install systemd, OpenRC or binfmt-support; `--persist=binfmt.d` writes the file all the same',
  });
}

/** The file that makes `rule` last over a reboot, null for `none`. */
export function persistenceFile(
  how: Exclude<Persistence, 'auto'>,
  rule: Rule,
): { readonly path: string; readonly text: string } | null {
  if (how === 'none') return null;
  return how === 'binfmt.d'
    ? { path: join('/etc/binfmt.d', binfmtDFileName(rule)), text: encodeBinfmtD(rule) }
    : { path: join('/var/lib/binfmts', rule.name), text: decodeText(encodeAdminFile(descriptionOf(rule))) };
}

/** What `install` writes to a file that makes `rule` last; null where it is none of those. */
export function persistedText(path: string, rule: Rule): string | null {
  const files = (['binfmt.d', 'binfmt-support'] as const).map((how) => persistenceFile(how, rule));
  return files.find((file) => file?.path === path)?.text ?? null;
}

async function anyExists(paths: readonly string[]): Promise<boolean> {
  const found = await Promise.all(
    paths.map((path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}
