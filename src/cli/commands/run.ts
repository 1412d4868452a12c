import { prepareRun, runPrepared } from '../../run/run.ts';
import { cpuVariables, type EmulateOptions, emulate } from '../emulation/emulate.ts';

interface RunCommandOptions extends EmulateOptions {
  readonly sysroot?: string;
}

/** `binfmtctl run`. Returns the exit status. */
export async function run(
  options: RunCommandOptions,
  [program = '', ...args]: readonly string[],
): Promise<number> {
  const { sysroot } = options;
  const variables = cpuVariables(options);
  return emulate(
    options,
    (request, context) => prepareRun({ ...request, program, args, sysroot, variables }, context),
    runPrepared,
  );
}
