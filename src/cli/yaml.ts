import { stringify } from 'yaml';

/** A profile as YAML, as it stands in a folder of profiles. */
export function yamlOf(value: unknown): string {
  return stringify(value, { lineWidth: 110 });
}
