import { toJson } from '../../text/json.ts';
import { status } from '../../verify/status.ts';
import type { OwnCommand } from '../command-line.ts';
import type { CommonOptions } from '../common-options.ts';
import { openContext } from '../context.ts';
import { STATUS } from '../descriptions.ts';
import { statusText } from '../output/status-text.ts';
import { standardOutput, writeOutput } from '../output/streams.ts';
import { withSymbols } from '../output/symbols.ts';

export const statusCommand: OwnCommand = { description: STATUS, run };

async function run(options: CommonOptions): Promise<number> {
  const context = await openContext(options);
  const result = await status(context);
  if (options.json) return writeOutput(`${toJson(result)}\n`);
  const { catalogue } = context;
  const shown = standardOutput();
  const text = statusText(result, { catalogue, shown, verbose: options.verbose === true, now: new Date() });
  return writeOutput(withSymbols(text));
}
