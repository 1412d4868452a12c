export async function lintDirectories(
  _directories: readonly string[],
): Promise<readonly { file: string; line: number; message: string }[]> {
  return [];
}
