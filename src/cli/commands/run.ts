import { carryOutRun, prepareRun } from '../../operations/run.ts';
import { type EmulateOptions, emulate } from '../emulate.ts';

interface RunOptions extends EmulateOptions {
  readonly sysroot?: string;
}

/** `binfmtctl run`. Returns the exit status. */
export function run(options: RunOptions, [program = '', ...args]: readonly string[]): Promise<number> {
  const { sysroot } = options;
  return emulate(
    options,
    (request, context) => prepareRun({ ...request, program, args, sysroot }, context),
    carryOutRun,
  );
}
