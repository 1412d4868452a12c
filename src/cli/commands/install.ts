import type { Persistence } from '../../install/boot/choose-persistence.ts';
import type { InstallResult } from '../../install/install.ts';
import type { Proof } from '../../probe/verdict.ts';
import { describe } from '../../state/steps.ts';
import { isOurImage } from '../../system/host.ts';
import { toJson } from '../../text/json.ts';
import type { OwnCommand } from '../command-line.ts';
import type { CommonOptions } from '../common-options.ts';
import { paint, print, visible } from '../output/terminal.ts';
import { INSTALL } from '../table/install.ts';

interface InstallCommandOptions extends CommonOptions {
  readonly all?: boolean;
  readonly source: readonly string[];
  readonly allowUnverified?: boolean;
  readonly emulator?: string;
  readonly persist: Persistence;
  readonly credentials?: 'always' | 'new';
  readonly replace?: boolean;
  readonly verify: boolean;
  readonly strict?: boolean;
  readonly lock?: string;
  readonly locked?: string;
  readonly dryRun?: boolean;
}

export const installCommand: OwnCommand = { description: INSTALL, run };

async function run(options: InstallCommandOptions, arches: readonly string[]): Promise<number> {
  const { installArches } = await import('../parts/operations.ts');
  const request = {
    arches,
    all: options.all === true,
    sources: options.source,
    allowUnverified: options.allowUnverified === true,
    emulator: options.emulator,
    persist: options.persist,
    credentials: options.credentials === 'new' ? 'new' : options.credentials !== undefined,
    replace: options.replace === true,
    verify: options.verify,
    strict: options.strict === true,
    lock: options.lock,
    locked: options.locked,
    dryRun: options.dryRun === true,
  } as const;
  const result = await installArches(request, options);
  if (options.json) process.stdout.write(`${toJson(result)}\n`);
  else print(textOf(result));
  return 0;
}

function textOf(result: InstallResult): string {
  const { dryRun, steps, proofs, unchanged, missing, toFetch, notes } = result;
  const lines = dryRun
    ? [
        ...toFetch.map((arch) => `would fetch an emulator for ${arch}, register it and prove it`),
        ...steps.map((step) => `would ${visible(describe(step))}`),
      ]
    : proofs.map((proof) => lineOf(proof, whereOf(result), { isUnchanged: unchanged.includes(proof.arch) }));
  const unproved = dryRun || proofs.length > 0 ? [] : steps.map((step) => `done: ${visible(describe(step))}`);
  const left = missing.map(({ arch, why }) => paint('dim', `- ${arch} left out: ${why}`, process.stdout));
  const said = notes.map((note) => paint('dim', `- ${note}`, process.stdout));
  return `${[...lines, ...unproved, ...left, ...said].join('\n')}\n`;
}

/** Entries of a user namespace serve that alone: in our image, as a rootless engine runs it, the container. */
function whereOf({ scope }: InstallResult): string {
  if (scope !== 'namespace') return '';
  return isOurImage() ? ' for this container only' : ' for this user namespace only';
}

function lineOf(
  { arch, entry, emulator, unidentified, verdict }: Proof,
  where: string,
  { isUnchanged }: { readonly isUnchanged: boolean },
): string {
  const { outcome, reasons, limits } = verdict;
  const isProved = outcome === 'works';
  const what = isUnchanged ? 'works already' : isProved ? 'installed and proved' : 'registered';
  const version = emulator?.version ? ` ${emulator.version}` : '';
  const notes = [
    ...(isProved ? [] : reasons.map((each) => `not checked ${each}`)),
    ...limits,
    ...(unidentified === undefined ? [] : [`the emulator's path is unknown: ${unidentified}`]),
  ];
  const by = emulator === null ? entry : `${entry} → ${emulator.path}${version}`;
  const sign = isProved ? paint('green', '✔', process.stdout) : paint('yellow', '!', process.stdout);
  return `${sign} ${visible([`${arch} ${what}${where}: ${by}`, ...notes].join('; '))}`;
}
