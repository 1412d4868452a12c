/** Options that select the store, instance and catalogue of a command. */
import { quote } from '../text/shell.ts';

const KEPT = ['--store', '--binfmt-dir', '--catalogue'];
/** Commands in backquotes, except those for the host of a container, which has another store. */
const COMMAND =
  /(?<!on the host(?:,| of this container)[^`;]*)`((?:sudo )?(?:npx )?binfmtctl (?:install|uninstall|status|verify|lock|bundle|import|export|store|run|enter)\b[^`]*)`/g;

/**
 * Adds the options of our own command line that select store, instance and catalogue to each command in a text. Without them
 * the command would use another store.
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

/** The words of a command line without these options and their values. */
export function withoutSameOptions(line: readonly string[]): readonly string[] {
  const end = [...line, '--'].indexOf('--');
  return line.filter((word, index) => {
    if (index >= end) return true;
    return !KEPT.includes(word.split('=', 1)[0] ?? '') && !KEPT.includes(line[index - 1] ?? '');
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
