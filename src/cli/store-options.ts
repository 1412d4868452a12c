/** Options that decide which store and instance a command speaks of. */
import { quote } from '../text/shell.ts';

const KEPT = ['--store', '--binfmt-dir', '--catalogue'];
/** Except commands for the host of a container, which has another store. */
const COMMAND =
  /(?<!on the host(?:,| of this container)[^`;]*)`((?:sudo )?(?:npx )?binfmtctl (?:install|uninstall|status|verify|lock|bundle|import|export|store|run|enter)\b[^`]*)`/g;

/**
 * The text with the options of our own command line that decide on store, instance and catalogue added to each command in
 * it: without them the command would be about another store.
 */
export function withSameOptions(text: string, line: readonly string[] = process.argv.slice(2)): string {
  const options = optionsIn(line);
  if (options === '') return text;
  return text.replace(COMMAND, (_, command: string) => {
    const end = command.indexOf(' -- ');
    return end < 0
      ? `\`${command}${options}\``
      : `\`${command.slice(0, end)}${options}${command.slice(end)}\``;
  });
}

function optionsIn(line: readonly string[]): string {
  const ours = line.slice(0, [...line, '--'].indexOf('--'));
  return ours
    .flatMap((word, index) => {
      const [name = ''] = word.split('=', 1);
      if (!KEPT.includes(name)) return [];
      const value = word.includes('=') ? word.slice(name.length + 1) : (ours[index + 1] ?? '');
      return [` ${name} ${quote(value)}`];
    })
    .join('');
}
