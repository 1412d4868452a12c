import { carryOutRun, prepareRun } from '../../operations/run.ts';
import { EMULATION_OPTIONS, type EmulatedCommand, type EmulateOptions, emulate } from '../emulate.ts';

export const run: EmulatedCommand = {
  name: 'run',
  summary: 'run a foreign program, without root, leaving nothing behind',
  description:
    'Runs a program of another architecture, and what that starts, as if it had been started directly. Where no entry of the machine serves, it and its children have a private binfmt_misc (Linux 6.7 and later), which ends with them. Ends with the status of the program, 128+N for a signal, 125 for a failure of its own, 126 for what is not executable, 127 for what is not there',
  words: [
    ['<program>', 'a path, or a name on PATH'],
    ['[args...]', 'what the program is given'],
  ],
  options: [
    ['--sysroot <dir>', 'a tree with the loader and libraries of a dynamic program'],
    ...EMULATION_OPTIONS,
  ],
  shown: [
    ['binfmtctl run -- ./hello-riscv64', 'one program'],
    ['binfmtctl run --sysroot /srv/arm64 -- ./hello', 'a dynamic one, with libraries of that tree'],
    ['binfmtctl run --arch arm64,riscv64 -- make check', 'programs of these, whatever starts them'],
    ['binfmtctl run --dry-run -- ./hello', 'who would run it'],
  ],
  inOrder: true,
  carryOut: (options: EmulateOptions & { readonly sysroot?: string }, [program = '', ...args]) =>
    emulate(
      options,
      (request, context) => prepareRun({ ...request, program, args, sysroot: options.sysroot }, context),
      carryOutRun,
    ),
};
