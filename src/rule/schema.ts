/** Schemas of rules in files. Separate from types.ts, which is published without the schemas. */
import * as v from 'valibot';

const hex = v.pipe(
  v.string(),
  v.regex(/^(?:[0-9a-f]{2})*$/),
  v.transform((text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))),
);

/** Schema of a `Rule`; magic and mask are hexadecimal. */
export const ruleSchema = v.object({
  name: v.string(),
  pattern: v.variant('type', [
    v.object({ type: v.literal('magic'), offset: v.number(), magic: hex, mask: v.nullable(hex) }),
    v.object({ type: v.literal('extension'), extension: v.string() }),
  ]),
  interpreter: v.string(),
  flags: v.array(v.picklist(['P', 'O', 'C', 'F', 'T', 'L'])),
});

/** Schema of a rule with a BPF handler. */
export const bpfRuleSchema = v.object({
  name: v.string(),
  handler: v.string(),
  interpreters: v.array(v.object({ name: v.string(), path: v.string() })),
  flags: v.pipe(v.array(v.picklist([])), v.maxLength(0)),
});
