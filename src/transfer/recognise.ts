import { decodeText } from '../rule/text.ts';

/** A format of rules: see docs/import-export.md. */
export type Form = 'binfmt.d' | 'binfmt-support' | 'admin' | 'register' | 'profile';

export const FORMS: readonly Form[] = ['binfmt.d', 'binfmt-support', 'admin', 'register', 'profile'];

/** Detects the form of a file from its name and contents. */
export function recogniseForm(fileName: string, bytes: Uint8Array): Form {
  const lines = decodeText(bytes).split('\n');
  if (/^(magic|extension)\s*$/.test(lines[1] ?? '')) return 'admin';
  if (lines.some((line) => /^(package|interpreter|magic|extension) \S/i.test(line))) return 'binfmt-support';
  if (/\.ya?ml$/.test(fileName)) return 'profile';
  return fileName.endsWith('.conf') ? 'binfmt.d' : 'register';
}
