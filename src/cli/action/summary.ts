import type { Check, InstallResult, Proof, StatusResult } from '../../index.ts';
import { archName } from '../output/names.ts';
import { visible } from '../output/terminal.ts';

type Row = readonly string[];

/** The heading and rows of registered architectures, then of requested ones without an emulator, as HTML. */
export function summaryRows(
  { entries }: StatusResult,
  { proofs, missing }: Pick<InstallResult, 'proofs' | 'missing'>,
): readonly Row[] {
  const registered = entries
    .filter(({ arch }) => arch !== null)
    .map(({ arch, entry, emulator, version, proof, problem }): Row => {
      const shown = proofs.find((each) => each.entry === entry.name);
      const recorded = proof === null ? 'not proved' : recordedState(proof);
      const state = problem ?? recorded;
      return [
        archName(arch ?? ''),
        entry.name,
        emulator ?? '?',
        version ?? '?',
        shown ? placesOf(shown) : state,
      ];
    });
  const absent = missing.map(({ arch, why }): Row => [archName(arch), '-', '-', '-', `left out: ${why}`]);
  const rows = [['Architecture', 'Entry', 'Emulator', 'Version', 'Proved'], ...registered, ...absent];
  return rows.map((row) => row.map(escaped));
}

const recordedState = ({ holds, why }: Pick<Check, 'holds' | 'why'>): string =>
  holds === true ? 'proved' : `${holds === null ? 'not checked' : 'fails'}: ${why}`;

/** Where programs of the arch ran, and where they did not. */
function placesOf({ host, chroot, mountNamespace, argv0, credentials }: Proof): string {
  const checks: readonly (readonly [string, Check])[] = [
    ['host', host],
    ['chroot', chroot],
    ['mount namespace', mountNamespace],
    ['argv[0]', argv0],
    ['credentials', credentials],
  ];
  const held = checks.filter(([, { holds }]) => holds === true).map(([name]) => name);
  const others = checks
    .filter(([, { holds, why }]) => holds !== true && why !== undefined)
    .map(([name, { holds, why }]) => `${name} ${holds === false ? 'fails' : 'not tried'}: ${why}`);
  return [held.join(', ') || 'nowhere', ...others].join('; ');
}

/** The text of a cell on one line, escaped for HTML and Markdown. */
const escaped = (text: string): string =>
  visible(text).replace(/[&<>"'|`]/g, (character) => `&#${character.charCodeAt(0)};`);
