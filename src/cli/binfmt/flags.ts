import { BINFMT_DIRECTORY } from '../../binfmt/directory.ts';
import { type GoFlags, parseGoFlags } from '../../compat/command-line/go-flags.ts';

export const USAGE = `Usage of binfmt:
  -install string
    	architectures to install, with commas between them, or all
  -mount string
    	binfmt_misc mount point (default "${BINFMT_DIRECTORY}")
  -uninstall string
    	architectures, entries or globs of entries to uninstall
  -version
    	display version

Flags of multiarch/qemu-user-static, which install all architectures:
  -reset
    	uninstall every entry qemu-* first
  -persistent yes, -p yes
    	register with flag F; entries always have it
  -credential yes|no, -c yes|no
    	register new entries with flag C (default: no; yes with -install)
`;

/** The request of a command line. */
export interface BinfmtRequest {
  readonly action: 'help' | 'version' | 'change';
  readonly mount: string;
  readonly uninstall: readonly string[];
  readonly install: readonly string[];
  /** Whether new entries get flag C. */
  readonly credentials: boolean;
}

const NAMES = ['install', 'mount', 'uninstall', 'p', 'persistent', 'c', 'credential'];
const SWITCHES = ['version', 'help', 'h', 'reset'];

/** Reads the flags of tonistiigi/binfmt and those of multiarch/qemu-user-static. */
export function parseBinfmtFlags(words: readonly string[]): BinfmtRequest | { readonly complaint: string } {
  // The latter are read by getopt(3), which also accepts a value without a space.
  const separate = words.flatMap((word) => {
    const [, flag, value] = /^(-[pc])(yes|no)$/.exec(word) ?? [];
    return flag === undefined || value === undefined ? [word] : [flag, value];
  });
  const flags = parseGoFlags(separate, NAMES, SWITCHES);
  return 'complaint' in flags ? flags : requestOf(flags);
}

function requestOf({ values }: GoFlags): BinfmtRequest | { readonly complaint: string } {
  const isOn = (name: string): boolean => values.get(name) === 'true';
  const persistent = values.get('persistent') ?? values.get('p');
  const credential = values.get('credential') ?? values.get('c');
  for (const [name, value] of [
    ['persistent', persistent],
    ['credential', credential],
  ] as const) {
    if (value !== undefined && value !== 'yes' && value !== 'no')
      return { complaint: `invalid value ${JSON.stringify(value)} for flag -${name}: expected yes or no` };
  }
  if (persistent === 'no')
    return { complaint: 'flag -persistent no is not supported: entries always have flag F' };
  const all = isOn('reset') || persistent !== undefined || credential !== undefined;
  const named = listOf(values.get('install'));
  return {
    action: isOn('help') || isOn('h') ? 'help' : isOn('version') ? 'version' : 'change',
    mount: values.get('mount') ?? BINFMT_DIRECTORY,
    uninstall: [...(isOn('reset') ? ['qemu-*'] : []), ...listOf(values.get('uninstall'))],
    install: named.length === 0 && all ? ['all'] : named,
    credentials: credential === undefined ? named.length > 0 : credential === 'yes',
  };
}

const listOf = (text = ''): readonly string[] =>
  text
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean);
