import { toJson } from '../../text/json.ts';
import { verifyArches } from '../../verify/verify-arches.ts';
import type { OwnCommand } from '../command-line.ts';
import type { CommonOptions } from '../common-options.ts';
import { VERIFY } from '../descriptions.ts';
import { withOperation } from '../operation.ts';
import { secondsSinceStart } from '../output/progress.ts';
import { print } from '../output/terminal.ts';
import { verifyText } from '../output/verify-text.ts';

interface VerifyCommandOptions extends CommonOptions {
  readonly root?: string;
}

export const verifyCommand: OwnCommand = { description: VERIFY, run };

async function run(options: VerifyCommandOptions, arches: readonly string[]): Promise<number> {
  const { root, verbose = false, quiet = false } = options;
  const report = await withOperation(options, (context) => verifyArches({ arches, root }, context));
  if (options.json) process.stdout.write(`${toJson(report)}\n`);
  else {
    const seconds = secondsSinceStart();
    print(verifyText(report, { inRoot: root !== undefined, verbose, quiet, seconds, shown: process.stdout }));
  }
  return EXIT_STATUS[report.outcome];
}

/** What could not be checked is a matter of this machine or user. */
const EXIT_STATUS = { works: 0, fails: 1, unchecked: 3 } as const;
