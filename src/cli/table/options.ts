/** Options that several commands have. */
import type { OptionSpec } from '../grammar/types.ts';

export const EMULATOR_NAMES = 'qemu, box64, box32, box86, fex or rosetta';

export const ALLOW_UNVERIFIED: OptionSpec = [
  '--allow-unverified',
  'accept url:URL without a sha256, except over plain HTTP from another machine',
];

export const DRY_RUN: OptionSpec = ['--dry-run', 'print the steps and change nothing'];

export const STRICT: OptionSpec = ['--strict', 'refuse emulators of a version that is known to be bad'];
