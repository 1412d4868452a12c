/**
 * Links by the names under which other tools look for emulators (`install --link`). They copy the file that the link leads to
 * into chroots. A link needs no space, and there is one file to keep up to date.
 */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { EmulatorProfile } from '../../catalogue/types.ts';
import type { Context } from '../../context.ts';
import type { EmulatorLink } from '../../emulators/link.ts';
import { fileNames } from '../../emulators/names.ts';
import { BinfmtctlError } from '../../errors.ts';
import type { FoundEmulator } from '../../obtain/found.ts';
import type { Registration } from '../../state/registration.ts';
import type { Step } from '../../state/steps.ts';
import type { LinkChange } from '../../system/change-link.ts';
import { isFolder } from '../../system/file/is-file.ts';
import { pathBytes } from '../../system/file/path-bytes.ts';
import { readLink } from '../../system/symbolic-link.ts';
import { findWeakness, isMachineRoot } from '../../system/trust.ts';

/** The links that an entry is to have, and what changes for that. */
export interface DesiredLinks {
  readonly links: readonly EmulatorLink[];
  readonly changes: readonly LinkChange[];
}

/** The name by which other tools look for an emulator: `qemu-aarch64-static`; null if they do not look for it. */
export const linkName = (profile: EmulatorProfile | undefined, guest: string): string | null =>
  (profile && fileNames(profile, guest).find((name) => name.endsWith('-static'))) ?? null;

/**
 * The links of earlier requests, which follow the emulator, and the one in `directory`. A link that was changed or removed since
 * stays as it is, unless it is requested. No link is needed where the emulator itself has that path.
 *
 * @throws EMULATOR_UNFIT for an emulator that such a name does not fit; FILE_FAILED for a directory that does not exist or that other users
 * can change, and if another file is in the way; USAGE in binfmtctl's container image.
 */
export function desiredLinks(
  found: FoundEmulator,
  { directory, before }: { readonly directory: string | undefined; readonly before: Registration | null },
  { report, inImage = false }: Pick<Context, 'report' | 'inImage'>,
): DesiredLinks {
  const target = found.emulator.path;
  if (directory !== undefined) assertUsable(directory, { inImage });
  const requested = directory === undefined ? null : linkIn(directory, found);
  const kept = (before?.links ?? []).flatMap((link) => {
    const now = readLink(link.path);
    if (now === link.target) return [{ path: link.path, now }];
    if (now !== null && link.path !== requested)
      report({ kind: 'warning', text: linkLeftWarning(link.path) });
    return [];
  });
  const isNew =
    requested !== null && !kept.some(({ path }) => path === requested) && !leadsTo(requested, target);
  if (isNew) assertFree(requested);
  const all = [...kept, ...(isNew ? [{ path: requested, now: null }] : [])].filter(
    ({ path }) => path !== target,
  );
  return {
    links: all.map(({ path }) => ({ path, target })),
    changes: all
      .filter(({ now }) => now !== target)
      .map(({ path, now }) => ({ path, target, previous: now })),
  };
}

/** Whether the file at `path` is the emulator: itself, or through links. */
export function leadsTo(path: string, emulator: string): boolean {
  try {
    const [one, other] = [path, emulator].map((each) => realpathSync.native(pathBytes(each), 'latin1'));
    return one === other;
  } catch {
    return false;
  }
}

/** Facts about the links of an installation that need no action. */
export function linkNotes(
  { link, dryRun }: { readonly link?: string | undefined; readonly dryRun: boolean },
  { steps, toFetch }: { readonly steps: readonly Step[]; readonly toFetch: readonly string[] },
): readonly string[] {
  const isLater = link !== undefined && toFetch.length > 0;
  if (dryRun) return isLater ? [`emulators that are fetched get links in ${link}`] : [];
  return steps.flatMap((step) => (step.kind === 'link' ? [`${step.path} links to the emulator`] : []));
}

/** The links of a registration that are as `install` created them. */
export function ownLinks(
  { links = [] }: Pick<Registration, 'links'>,
  { report }: Pick<Context, 'report'>,
): readonly EmulatorLink[] {
  return links.filter(({ path, target }) => {
    const now = readLink(path);
    if (now !== null && now !== target) report({ kind: 'warning', text: linkLeftWarning(path) });
    return now === target;
  });
}

const linkLeftWarning = (path: string): string => `${path} was changed since it was created: it is left`;

function linkIn(directory: string, { arch, profile, emulator }: FoundEmulator): string {
  const name = linkName(profile, arch.id);
  if (name === null)
    throw new BinfmtctlError(
      'EMULATOR_UNFIT',
      `cannot link ${emulator.path}: other tools have no name for ${profile.id}`,
      {
        hint: 'omit --link, or use --emulator qemu',
      },
    );
  if (!emulator.static)
    throw new BinfmtctlError(
      'EMULATOR_UNFIT',
      `cannot link ${emulator.path} as ${name}: it is dynamic, so that a copy in a chroot does not run`,
      { hint: 'use a static emulator, as from `--source apt`' },
    );
  return join(directory, name);
}

/** Programs that root runs follow the links. In a container, neither the links nor the emulators are there for the host. */
function assertUsable(directory: string, { inImage }: { readonly inImage: boolean }): void {
  if (inImage) {
    throw new BinfmtctlError(
      'USAGE',
      '--link cannot be used in the container image: the host does not see the links',
      {
        hint: 'omit --link, or run binfmtctl on the host',
      },
    );
  }
  if (!isFolder(directory)) {
    throw new BinfmtctlError('FILE_FAILED', `cannot create links: not a directory: ${directory}`, {
      hint: 'name an existing directory with --link=DIR',
    });
  }
  const weakness = isMachineRoot() ? findWeakness(directory, { asParent: true }) : null;
  if (weakness === null) return;
  throw new BinfmtctlError(
    'FILE_FAILED',
    `cannot create links in ${directory}: ${weakness.path} ${weakness.why}`,
    {
      hint: 'name a directory that only root can change with --link=DIR',
    },
  );
}

function assertFree(path: string): void {
  if (readLink(path) === null) return;
  throw new BinfmtctlError(
    'FILE_FAILED',
    `cannot create the link ${path}: the file exists and binfmtctl did not create it`,
    {
      hint: 'name another directory with --link=DIR, or use the emulator that is there with --source',
    },
  );
}
