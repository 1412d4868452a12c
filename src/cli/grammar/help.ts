/** Help texts, from the table of commands. Pure. */
import { COMMON_OPTIONS } from './common.ts';
import { columns, wrap } from './layout.ts';
import {
  type CommandDescription,
  type GroupDescription,
  isGroup,
  type OptionSpec,
  type Section,
} from './types.ts';

/** What the help of binfmtctl itself shows besides the commands. */
export interface ProgramDescription {
  readonly description: string;
  readonly sections: readonly Section[];
  readonly examples: CommandDescription['examples'];
}

/** The help of binfmtctl: all commands by section. */
export function programHelp({ description, sections, examples }: ProgramDescription, width: number): string {
  return [
    `Usage: binfmtctl [OPTION...] COMMAND [ARGUMENT...]\n`,
    paragraph(description, width),
    ...sections.map(({ title, commands }) => {
      const rows = commands.map(({ name, summary }) => [name, summary] as const);
      return titled(title, columns(rows, width));
    }),
    optionsPart('Common options', COMMON_OPTIONS, width),
    examplesPart(examples, width),
    paragraph('`binfmtctl help COMMAND` shows the options and examples of a command.', width),
  ].join('\n');
}

/** The help of a command, or of a group of commands. */
export function commandHelp(command: CommandDescription | GroupDescription, width: number): string {
  if (isGroup(command)) return groupHelp(command, width);
  const { name, description, words, options, examples, isDropIn } = command;
  const usage = words.map(([word]) => word).join(' ');
  const described = words.filter(([, text]) => text !== '');
  return [
    paragraph(`Usage: binfmtctl ${name} ${isDropIn ? '' : '[OPTION...] '}${usage}`.trimEnd(), width),
    paragraph(description, width),
    ...(described.length === 0
      ? []
      : [
          titled(
            'Arguments',
            columns(
              described.map(([word, text]) => [bare(word), text]),
              width,
            ),
          ),
        ]),
    ...(options.length === 0 ? [] : [optionsPart('Options', options, width)]),
    ...(isDropIn ? [] : [optionsPart('Common options', COMMON_OPTIONS, width)]),
    examplesPart(examples, width),
  ]
    .filter(Boolean)
    .join('\n');
}

function groupHelp({ name, description, commands }: GroupDescription, width: number): string {
  const rows = commands.map((each) => [each.name.slice(name.length + 1), each.summary] as const);
  return [
    `Usage: binfmtctl ${name} COMMAND [ARGUMENT...]\n`,
    paragraph(description, width),
    titled('Commands', columns(rows, width)),
    paragraph(`\`binfmtctl help ${name} COMMAND\` shows the options and examples of a command.`, width),
  ].join('\n');
}

const bare = (word: string): string => word.replace(/^\[(.*)\]$/, '$1');

const paragraph = (text: string, width: number): string => `${wrap(text, width).join('\n')}\n`;

const titled = (title: string, text: string): string => `${title}:\n${text}`;

function optionsPart(title: string, options: readonly OptionSpec[], width: number): string {
  const rows = options.map(([flags, description, details = {}]) => {
    const { choices = [], default: given, repeatable } = details;
    const notes = [
      ...(choices.length === 0 ? [] : [choices.join(', ')]),
      ...(given === undefined ? [] : [`default: ${given}`]),
      ...(repeatable ? ['repeatable'] : []),
    ];
    // Long options stand below each other.
    const left = flags.startsWith('--') ? `    ${flags}` : flags;
    return [left, notes.length === 0 ? description : `${description} (${notes.join('; ')})`] as const;
  });
  return titled(title, columns(rows, width));
}

const examplesPart = (examples: CommandDescription['examples'], width: number): string =>
  examples.length === 0 ? '' : titled('Examples', columns(examples, width, 0.6));
