/** A profile as YAML, as in a directory of profiles. */
export async function yamlOf(value: unknown): Promise<string> {
  const { stringify } = await import('yaml');
  return stringify(value, { lineWidth: 110 });
}
