import * as v from 'valibot';
import { isBootFile } from '../boot/paths.ts';
import { ruleSchema } from '../rule/schema.ts';
import type { Rule } from '../rule/types.ts';
import { parseJson, toJson } from '../text/json.ts';

/**
 * What we did for one entry: kept beside the store, so that a later `uninstall` takes back exactly our part and
 * nothing that others made.
 */
export interface Registration {
  readonly arch: string;
  readonly rule: Rule;
  /** Id of the emulator profile, and the sha256 and version of the program. */
  readonly emulator: { readonly profile: string; readonly sha256: string; readonly version: string | null };
  /** Whether the entry itself is ours; false where it was there and we only made it last over a reboot. */
  readonly registered: boolean;
  /** Files that make it last, with what they held before. */
  readonly persisted: readonly { readonly path: string; readonly previous: string | null }[];
  /** The rule of the entry that another program had registered, and that `install` replaced. */
  readonly replaced?: Rule | undefined;
}

const registrationSchema = v.object({
  schema: v.literal('binfmtctl/registration/1'),
  arch: v.string(),
  rule: ruleSchema,
  emulator: v.object({ profile: v.string(), sha256: v.string(), version: v.nullable(v.string()) }),
  registered: v.boolean(),
  persisted: v.array(
    v.object({ path: v.pipe(v.string(), v.check(isBootFile)), previous: v.nullable(v.string()) }),
  ),
  replaced: v.optional(ruleSchema),
});

/** Text of a registration's file: one JSON document, always the same bytes for the same registration. */
export function encodeRegistration(registration: Registration): string {
  return `${toJson({ schema: 'binfmtctl/registration/1', ...registration })}\n`;
}

/** The registration in a file's text, or null where the text is not one. */
export function decodeRegistration(text: string): Registration | null {
  const parsed = v.safeParse(registrationSchema, parseJson(text));
  return parsed.success ? parsed.output : null;
}
