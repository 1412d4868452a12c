import { isBootFile } from '../boot/paths.ts';
import type { Rule } from '../rule/types.ts';
import { parseJson, toJson } from '../text/json.ts';
import { decodeRule, isObject } from './stored-rule.ts';

/**
 * What binfmtctl did for one entry. Kept in the store, so that a later `uninstall` reverts exactly these changes and
 * no change of another program.
 */
export interface Registration {
  readonly arch: string;
  readonly rule: Rule;
  /** Id of the emulator profile, and the sha256 and version of the program. */
  readonly emulator: { readonly profile: string; readonly sha256: string; readonly version: string | null };
  /** Whether binfmtctl registered the entry; false if the entry existed and binfmtctl only made it persistent. */
  readonly registered: boolean;
  /** Files that register the entry at boot, with their previous contents. */
  readonly persisted: readonly { readonly path: string; readonly previous: string | null }[];
  /** The rule of another program's entry that `install` replaced. */
  readonly replaced?: Rule | undefined;
}

const SCHEMA = 'binfmtctl/registration/1';

/** The text of a registration file: one JSON document, the same bytes for the same registration. */
export function encodeRegistration(registration: Registration): string {
  return `${toJson({ schema: SCHEMA, ...registration })}\n`;
}

/** The registration in a file's text; null if the text is invalid. The text is untrusted: containers may share the store as a volume. */
export function decodeRegistration(text: string): Registration | null {
  const value = parseJson(text);
  if (!isObject(value) || value['schema'] !== SCHEMA) return null;
  const { arch, registered } = value;
  const rule = decodeRule(value['rule']);
  const emulator = decodeEmulator(value['emulator']);
  const persisted = decodePersisted(value['persisted']);
  const replaced = value['replaced'] === undefined ? undefined : decodeRule(value['replaced']);
  if (typeof arch !== 'string' || typeof registered !== 'boolean' || replaced === null) return null;
  if (rule === null || emulator === null || persisted === null) return null;
  return { arch, rule, emulator, registered, persisted, ...(replaced !== undefined && { replaced }) };
}

function decodeEmulator(value: unknown): Registration['emulator'] | null {
  if (!isObject(value)) return null;
  const { profile, sha256, version } = value;
  if (typeof profile !== 'string' || typeof sha256 !== 'string' || !isTextOrNull(version)) return null;
  return { profile, sha256, version };
}

function decodePersisted(value: unknown): Registration['persisted'] | null {
  if (!Array.isArray(value)) return null;
  const files = value.flatMap((each: unknown) => {
    if (!isObject(each)) return [];
    const { path, previous } = each;
    return typeof path === 'string' && isBootFile(path) && isTextOrNull(previous) ? [{ path, previous }] : [];
  });
  return files.length === value.length ? files : null;
}

const isTextOrNull = (value: unknown): value is string | null => value === null || typeof value === 'string';
